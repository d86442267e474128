"use strict";
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const sort = () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const rows = [...body.rows].sort((one, other) => {
        const [a, b] = [value(one), value(other)];
        const order = a - b;
        return Number.isNaN(order) ? a.localeCompare(b, undefined, { numeric: true }) : order;
      });
      body.append(...(down ? rows.reverse() : rows));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    };
    head.tabIndex = 0;
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => event.key === "Enter" && sort());
  });
  const filters = document.querySelectorAll(`[data-filters=${table.id}]`);
  const count = document.querySelector(`[data-counts=${table.id}]`);
  const filter = () => {
    let shown = 0;
    for (const row of body.rows) {
      const cells = [...row.cells].map((cell) => cell.textContent.toLowerCase());
      row.hidden = ![...filters].every((field) =>
        field.value.toLowerCase().split(/\s+/).every((word) => word === "" || (field.dataset.column
          ? cells[field.dataset.column] === word
          : cells.some((cell) => cell.includes(word)))));
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
