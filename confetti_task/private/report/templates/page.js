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
    head.querySelector("button").addEventListener("click", sort);
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

// What is under the pointer, from the numbers that each drawing carries.
const pointer = document.createElement("div");
pointer.id = "pointer";
pointer.hidden = true;
pointer.setAttribute("aria-hidden", "true");
document.body.append(pointer);

// float32, deflated, with the bytes of all numbers sorted by their significance.
const unpack = async (text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const sorted = new Uint8Array(await new Response(stream).arrayBuffer());
  const count = sorted.length / 4;
  const values = new DataView(new ArrayBuffer(sorted.length));
  sorted.forEach((byte, place) => values.setUint8(4 * (place % count) + Math.floor(place / count), byte));
  return Float32Array.from({ length: count }, (_, place) => values.getFloat32(4 * place, true));
};
// The greys of a picture, counted from white, and 0 where it is blank, which is no grey.
const greysOf = async (picture, [height, width], count) => {
  const copy = new Image();
  copy.src = picture.getAttribute("href");
  await copy.decode();
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(copy, 0, 0);
  const { data } = canvas.getImageData(0, 0, width, height);
  return Uint8Array.from({ length: width * height }, (_, place) => {
    const [red, green, blue] = data.subarray(4 * place, 4 * place + 3);
    return red === green && green === blue ? 1 + Math.round((1 - red / 255) * (count - 1)) : 0;
  });
};
const short = (value, unit) => {
  if (!Number.isFinite(value)) return "blank";
  return Math.abs(value) < 0.5 && unit.startsWith("Jy/") ? `${Number((1e3 * value).toPrecision(3))} m${unit}` :
    `${Number(value.toPrecision(3))} ${unit}`;
};
const withSigma = (value, unit, noise) => Number.isFinite(value) && noise > 0
  ? `${short(value, unit)} (${(value / noise).toFixed(1)} sigma)` : short(value, unit);
// Hours or degrees, minutes and seconds.
const sexagesimal = (seconds, decimals) => {
  const units = Math.round(Math.abs(seconds) * 10 ** decimals);
  const parts = [units / 10 ** decimals / 3600, (units / 10 ** decimals / 60) % 60].map(Math.floor);
  const rest = ((units % (60 * 10 ** decimals)) / 10 ** decimals).toFixed(decimals).padStart(3 + decimals, "0");
  return [...parts.map((part) => String(part).padStart(2, "0")), rest].join(":");
};
// Position on the sky, interpolated between the points of a grid; x and y are fractions of the image.
const positionAt = ({ longitude, latitude, points, degrees }, x, y) => {
  const [column, row] = [x, y].map((fraction) => Math.min(Math.floor(fraction * (points - 1)), points - 2));
  const [right, up] = [x * (points - 1) - column, y * (points - 1) - row];
  const between = (values) => [[0, 0, (1 - right) * (1 - up)], [0, 1, right * (1 - up)], [1, 0, (1 - right) * up],
    [1, 1, right * up]].reduce((sum, [above, right, share]) =>
    sum + share * values[(row + above) * points + column + right], 0);
  const [along, across] = [(between(longitude) + 360) % 360, between(latitude)];
  if (degrees) return `${along.toFixed(5)} ${across.toFixed(5)}`;
  return `${sexagesimal(240 * along, 2)} ${across < 0 ? "-" : "+"}${sexagesimal(3600 * across, 1)}`;
};
const pick = (fraction, count) => Math.min(Math.floor(fraction * count), count - 1);
const SAY = {
  maps: ({ row, column, x, y }, about, values) => {
    const [, planes, height, width] = about.shape;
    const plane = column + (about.first ?? 0);
    const value = values[((row * planes + plane) * height + pick(y, height)) * width + pick(x, width)];
    const offset = (half, fraction, count) => (half * (1 - 2 * (pick(fraction, count) + 0.5) / count)).toFixed(2);
    const [east, north, horizontal, vertical] = about.offsets;
    const unit = about.units[row];
    return [[...(about.rows ? [about.rows[row]] : []), ...about.names[plane]].join(", "),
      `${horizontal} ${offset(east, x, width)}, ${vertical} ${offset(north, y, height)} arcsec`,
      withSigma(value, unit, unit === "Jy/beam" ? about.noise : 0)];
  },
  spectra: ({ row, column, x }, about, values) => {
    const [first, count] = about.channels;
    const place = pick(x, count);
    const [image, residual, model] = [0, 1, 2].map((line) => values[((row * 3 + column) * 3 + line) * count + place]);
    const velocity = about.velocity.length ? `, ${about.velocity[place].toFixed(2)} km/s` : "";
    return [about.names[row][column], `channel ${first + place}${velocity}`,
      `image ${withSigma(image, "Jy/beam", about.noise)}`, `residual ${withSigma(residual, "Jy/beam", about.noise)}`,
      `model x pixels per beam ${short(model, "Jy/beam")}`];
  },
  closeup: ({ x }, about, values) => {
    const [first, count] = about.channels;
    const place = pick(x, count);
    const velocity = about.velocity.length ? `, ${about.velocity[place].toFixed(2)} km/s` : "";
    return [about.name, `channel ${first + place}${velocity}`, `image ${withSigma(values[place], "Jy/beam", about.noise)}`,
      ...about.lines.map((name, line) => `${name} ${short(values[(line + 1) * count + place], about.unit)}`)];
  },
  strips: ({ x }, about, values) => {
    const count = values.length / (6 * about.stokes.length);
    const channel = pick(x, count) + about.first;
    const verdict = Object.keys(about.verdicts).find((name) => about.verdicts[name].includes(channel));
    const lines = about.stokes.flatMap((stokes, place) => {
      const [frequency, velocity, severity, flux, noise, tail] = [0, 1, 2, 3, 4, 5].map(
        (quantity) => values[(quantity * about.stokes.length + place) * count + channel - about.first]);
      const name = about.stokes.length > 1 ? [`Stokes ${stokes}`] : [];
      const scale = place ? [] : [`${(about.frequency + frequency).toFixed(6)} GHz` +
        (Number.isFinite(velocity) ? `, ${velocity.toFixed(2)} km/s` : "")];
      return [...scale, ...name, `severity ${short(severity, "sigma")}`, `model flux ${short(flux, "Jy")}`,
        `rms ${short(noise, "Jy/beam")}`, `tail ${short(tail, "sigma")}`];
    });
    return [`channel ${channel}${verdict ? `, ${verdict}` : ""}`, ...lines];
  },
  sky: ({ x, y }, about, values) => {
    const [across, up] = [x, y].map((fraction, axis) =>
      pick(about.flipped[axis] ? 1 - fraction : fraction, about.size[axis]));
    const [rows, columns] = about.shape;
    const [left, top] = [[across, columns, 0], [up, rows, 1]].map(([pixel, count, axis]) => {
      const block = Math.floor(pixel / about.side);
      return about.flipped[axis] ? count - 1 - block : block;
    });
    const grey = values[top * columns + left];
    const [lowest, highest] = [about.greys[0], about.greys[about.greys.length - 1]];
    const value = about.greys[grey - 1];
    const limit = value === lowest ? "at most " : value === highest ? "at least " : "about ";
    const [right, above] = [across, up].map((pixel, axis) => (pixel + 0.5) / about.size[axis]);
    const position = about.world.points ? [positionAt(about.world, right, above)] : [];
    return [`x=${across} y=${up}`, ...position, grey ? `peak ${limit}${short(value, "Jy/beam")}` : "blank"];
  },
};
// Panel under the pointer, and where in it, as fractions from its left upper corner.
const locate = (drawing, event, [left, top, width, height, right, down, columns, rows]) => {
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
  const [column, row] = [Math.floor((x - left) / right), Math.floor((y - top) / down)];
  const place = { row, column, x: (x - left - column * right) / width, y: (y - top - row * down) / height };
  const inside = column >= 0 && column < columns && row >= 0 && row < rows && place.x < 1 && place.y < 1;
  return inside ? place : null;
};
// The palette of a picture that the page came with, as bytes: its header takes 41.
const paletteOf = (address) => atob(address.split(",")[1].slice(0, 1200)).slice(41, 41 + 3 * 256);
// Draws the maps of three channels as those that the page came with.
const drawMaps = (palette, about, values) => {
  const [rows, planes, height, width] = about.shape;
  const canvas = document.createElement("canvas");
  canvas.width = 3 * (width + about.gap) - about.gap;
  canvas.height = rows * (height + about.gap) - about.gap;
  const context = canvas.getContext("2d");
  const straight = about.length / (1 - 1 / 10);
  for (let row = 0; row < rows; row++) {
    const [limit, linear] = [about.limits[row], about.linear[row]];
    for (let column = 0; column < 3; column++) {
      const start = (row * planes + about.first + column) * height * width;
      const pixels = context.createImageData(width, height);
      values.slice(start, start + height * width).forEach((value, place) => {
        const size = Math.abs(value);
        const part = size <= linear ? size / linear * straight : straight + Math.log10(size / linear);
        const level = Math.sign(value) * Math.min(part / (straight + Math.log10(limit / linear)), 1);
        const { zero, blank } = about.colors;
        const color = Number.isFinite(value) ? zero + Math.round(about.colors.most * level) : blank;
        for (const band of [0, 1, 2]) pixels.data[4 * place + band] = palette.charCodeAt(3 * color + band);
        pixels.data[4 * place + 3] = 255;
      });
      context.putImageData(pixels, column * (width + about.gap), row * (height + about.gap));
    }
  }
  return canvas.toDataURL();
};
// A slider that steps through the channels around a find; it works with the arrow keys.
const addSteps = (drawing, about, values) => {
  const own = (about.shape[1] - 3) / 2;
  about.first = own;
  if (!own) return;
  const label = document.createElement("label");
  label.className = "steps soft";
  label.textContent = "Channels";
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0, max: 2 * own, value: own });
  label.append(slider);
  drawing.after(label);
  const picture = drawing.querySelector("image");
  const drawn = new Map([[own, picture.getAttribute("href")]]);
  const palette = paletteOf(drawn.get(own));
  slider.addEventListener("input", async () => {
    const numbers = await values();
    about.first = Number(slider.value);
    if (!drawn.has(about.first)) drawn.set(about.first, drawMaps(palette, about, numbers));
    picture.setAttribute("href", drawn.get(about.first));
    drawing.querySelectorAll(".heading").forEach((heading, column) => {
      const name = about.names[about.first + column];
      const lines = name.length > 1 ? name : ["", ...name];
      [...heading.children].forEach((text, line) => { text.textContent = lines[line]; });
      heading.classList.toggle("own", about.first + column === own + 1);
    });
    slider.setAttribute("aria-valuetext", about.names[about.first + 1][0]);
  });
};
for (const drawing of document.querySelectorAll("svg[data-pointer]")) {
  const about = JSON.parse(drawing.dataset.pointer);
  let unpacked;
  const values = () => {
    unpacked ??= drawing.dataset.values ? unpack(drawing.dataset.values)
      : greysOf(drawing.querySelector("image"), about.shape, about.greys.length);
    return unpacked;
  };
  if (about.limits) addSteps(drawing, about, values);
  const show = async (event) => {
    const numbers = await values();
    const place = locate(drawing, event, about.panels);
    pointer.hidden = !place;
    if (!place) return;
    pointer.textContent = SAY[drawing.classList[0]](place, about, numbers).join("\n");
    const { width, height } = pointer.getBoundingClientRect();
    // Next to the pointer, on the side where there is room.
    const right = event.clientX + 16;
    const left = right + width < innerWidth ? right : Math.max(event.clientX - 16 - width, 0);
    pointer.style.left = `${left}px`;
    pointer.style.top = `${Math.max(Math.min(event.clientY + 16, innerHeight - height), 0)}px`;
  };
  drawing.addEventListener("pointermove", show);
  drawing.addEventListener("pointerdown", show);
  drawing.addEventListener("pointerleave", () => { pointer.hidden = true; });
}
