// Lets the search work in pages that are opened from disk, where browsers start no workers: a hidden frame takes the place
// of the worker. The names are those by which the theme's search asks for it.
(() => {
  const PRELUDE = `
    postMessage = (data) => parent.postMessage(data, "*");
    importScripts = (...urls) =>
      urls.reduce((before, url) => before.then(() => new Promise((done) => {
        const script = document.createElement("script");
        script.src = url;
        script.onload = done;
        document.body.appendChild(script);
      })), Promise.resolve());
  `;

  class IFrameWorker extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.appendChild(this.frame);
      addEventListener("message", (event) => {
        if (event.source === this.frame.contentWindow) {
          this.dispatchEvent(new MessageEvent("message", { data: event.data }));
        }
      });
      const page = this.frame.contentWindow.document;
      page.open();
      page.write(`<body><script>${PRELUDE}<\/script><script src="${url}"><\/script></body>`);
      page.close();
      // Only now: opening the page has removed all listeners.
      this.loaded = new Promise((done) => this.frame.contentWindow.addEventListener("load", done));
    }

    postMessage(data) {
      this.loaded.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.frame.remove();
    }
  }

  window.IFrameWorker = IFrameWorker;
  if (location.protocol === "file:") window.Worker = IFrameWorker;
})();
