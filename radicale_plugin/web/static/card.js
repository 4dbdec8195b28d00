// One's own card: rows are dragged into another order, and Cancel closes a row. The keyboard has buttons for both.
"use strict";

(() => {
  const place = (list, y) => [...list.children].findIndex((row) => y < row.getBoundingClientRect().bottom);
  // How near to an edge of what is seen between the bars a page moves on, and how far in each frame.
  const [EDGE, FASTEST] = [88, 14];
  const pace = (y) => {
    const top = document.querySelector(".bar").getBoundingClientRect().bottom;
    const nav = document.querySelector(".nav").getBoundingClientRect();
    const bottom = nav.top > top ? nav.top : innerHeight;
    const into = y < top + EDGE ? y - top - EDGE : Math.max(0, y - bottom + EDGE);
    return Math.max(-1, Math.min(1, into / EDGE)) * FASTEST;
  };

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
    let [y, frame] = [event.clientY, 0];
    const aim = () => {
      const found = place(list, y);
      to = found < 0 ? list.children.length - 1 : found;
      mark();
    };
    const roll = () => {
      scrollBy(0, pace(y));
      aim();
      frame = requestAnimationFrame(roll);
    };
    const move = (moved) => {
      y = moved.clientY;
      aim();
      // It is not the press that moves the page, which may be near an edge.
      if (!frame && Math.abs(y - event.clientY) > 8) frame = requestAnimationFrame(roll);
    };
    const drop = (dropped) => {
      cancelAnimationFrame(frame);
      grip.removeEventListener("pointermove", move);
      row.classList.remove("dragged");
      const wanted = dropped.type === "pointerup" ? to - from : 0;
      to = from;
      mark();
      if (!wanted) return;
      const form = row.querySelector("form[action$='/move']");
      htmx.ajax("POST", row.dataset.move, {
        target: "#fields", select: "#fields", swap: "outerHTML",
        values: { csrf_token: form.elements.csrf_token.value, at: String(from), steps: String(wanted) },
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

  // What was changed is seen in its row, whose form is closed, and in the look of the card, for whomever it is shown.
  document.addEventListener("htmx:afterSwap", (event) => {
    const { requestConfig, target } = event.detail;
    if (!requestConfig || requestConfig.verb !== "post" || target.id !== "fields") return;
    htmx.trigger("#who", "saved");
    if (!requestConfig.elt.matches(".field-form") || document.querySelector(".own > [open], #adding")) return;
    const row = requestConfig.elt.closest("details");
    const saved = row ? document.getElementById(row.id) : document.querySelector(".own > :last-child");
    if (saved) saved.scrollIntoView({ block: "center" });
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
