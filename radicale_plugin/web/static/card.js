// One's own card: rows are dragged into another order, and Cancel closes a row. The keyboard has buttons for both.
"use strict";

(() => {
  const place = (list, y) => [...list.children].findIndex((row) => y < row.getBoundingClientRect().bottom);

  document.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest(".grip");
    if (!grip) return;
    event.preventDefault();
    const row = grip.closest("details");
    const list = row.parentElement;
    const from = [...list.children].indexOf(row);
    let to = from;
    row.classList.add("dragged");
    grip.setPointerCapture(event.pointerId);
    const mark = () => {
      [...list.children].forEach((other, number) => {
        other.classList.toggle("target", number === to && to !== from);
        other.classList.toggle("below", number === to && to > from);
      });
    };
    const move = (moved) => {
      const found = place(list, moved.clientY);
      to = found < 0 ? list.children.length - 1 : found;
      mark();
    };
    const drop = (dropped) => {
      grip.removeEventListener("pointermove", move);
      row.classList.remove("dragged");
      const wanted = dropped.type === "pointerup" ? to - from : 0;
      to = from;
      mark();
      if (!wanted) return;
      const form = row.querySelector("form[action$='/move']");
      htmx.ajax("POST", row.dataset.move, {
        target: "#fields", select: "#fields", swap: "outerHTML",
        values: { csrf_token: form.elements.csrf_token.value, steps: String(wanted) },
      });
    };
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", drop, { once: true });
    grip.addEventListener("pointercancel", drop, { once: true });
  });
  // Pressing the handle opens nothing.
  document.addEventListener("click", (event) => { if (event.target.closest(".grip")) event.preventDefault(); });

  // Of rows with one name only one is open, and those that come are there before those that go.
  document.addEventListener("htmx:beforeSwap", () => {
    for (const row of document.querySelectorAll(".own > details[name]")) row.removeAttribute("name");
  });

  // What was changed is seen in the look of the card beside it, for whomever it is shown.
  document.addEventListener("htmx:afterSwap", (event) => {
    const sent = event.detail.requestConfig && event.detail.requestConfig.verb === "post";
    if (sent && event.detail.target.id === "fields") htmx.trigger("#who", "saved");
  });

  document.addEventListener("click", (event) => {
    const cancel = event.target.closest("[data-closes]");
    const row = cancel && cancel.closest("details");
    if (!row) return;
    event.preventDefault();
    cancel.closest("form").reset();
    row.open = false;
    row.querySelector("summary").focus();
  });
})();
