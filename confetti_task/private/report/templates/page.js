"use strict";
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const sort = () => {
      const before = head.getAttribute("aria-sort");
      // First click: numbers descending, text ascending. Missing values come last.
      const down = before ? before === "ascending" : !head.classList.contains("text");
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const missing = (text) => text === "" || text === "-Infinity";
      body.append(...[...body.rows].sort((one, other) => {
        const [a, b] = [value(one), value(other)];
        if (missing(a) || missing(b)) return missing(a) - missing(b);
        const order = Number.isNaN(a - b) ? a.localeCompare(b, undefined, { numeric: true }) : a - b;
        return down ? -order : order;
      }));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    };
    head.tabIndex = 0;
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => event.key === "Enter" && sort());
  });
  const filters = document.querySelectorAll(`[data-filters=${table.id}]`);
  const count = document.querySelector(`[data-counts=${table.id}]`);
  // Channels as in chans: '10~20;25', or any of some words.
  const inChannels = (text, cell) => text.split(/[\s;,]+/).filter(Boolean).some((part) => {
    const [low, high] = part.split("~");
    return high === undefined ? cell === part : Number(low) <= Number(cell) && Number(cell) <= Number(high);
  });
  const filter = () => {
    let shown = 0;
    for (const row of body.rows) {
      const cells = [...row.cells].map((cell) => cell.textContent.toLowerCase());
      row.hidden = ![...filters].every((field) => {
        const text = field.value.trim().toLowerCase();
        if (text === "") return true;
        if (field.dataset.column) return inChannels(text, cells[field.dataset.column]);
        return text.split(/\s+/).every((word) => cells.some((cell) => cell.includes(word)));
      });
      shown += !row.hidden;
    }
    if (count) count.textContent = `${shown} of ${body.rows.length} rows`;
  };
  filters.forEach((field) => field.addEventListener("input", filter));
  filter();
}
for (const button of document.querySelectorAll(".copy button")) {
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    getSelection().selectAllChildren(code);
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      document.execCommand("copy"); // pages on a disk have no clipboard in some browsers
    }
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
}
