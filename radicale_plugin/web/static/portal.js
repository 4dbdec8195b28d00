// What pages do better with scripts: nothing that was typed gets lost by leaving, and changes are counted.
"use strict";

(() => {
  document.documentElement.classList.add("js");
  // A page that answers a form is what it is at its own address, to which loading it again goes.
  if (document.body.dataset.at) history.replaceState(history.state, "", document.body.dataset.at);

  // A form that was changed asks before the page is left. What is sent again has been typed already.
  const changed = new Set();
  const isTyped = (form) => form && form.method === "post" && !("free" in form.dataset) && !form.matches(".languages");
  document.addEventListener("input", (event) => { if (isTyped(event.target.form)) changed.add(event.target.form); });
  document.addEventListener("submit", (event) => changed.delete(event.target));
  document.addEventListener("reset", (event) => changed.delete(event.target));
  addEventListener("beforeunload", (event) => {
    if ([...changed].some((form) => form.isConnected)) event.preventDefault();
  });
  // What was typed is shown again, and not saved: a form is filled in already, or was refused, or only looked at.
  const { unsaved } = document.body.dataset;
  const leadsThere = (address) => new URL(address).pathname === unsaved;
  for (const form of document.forms) {
    const buttons = [...form.elements].filter((each) => each.hasAttribute("formaction"));
    const again = unsaved && [form.action, ...buttons.map((each) => each.formAction)].some(leadsThere);
    if (isTyped(form) && (again || "changedAlready" in form.dataset)) changed.add(form);
  }

  // A double click sends a form once.
  const [sent, typedIn] = [new WeakSet(), new WeakSet()];
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (sent.has(form)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    // Without a network there is no answer but the browser's own, and that in the place of this page.
    if (!navigator.onLine) {
      event.preventDefault();
      event.stopImmediatePropagation();
      tell(form, true);
      return;
    }
    sent.add(form);
    if (changed.has(form)) typedIn.add(form); else typedIn.delete(form);
    setTimeout(() => sent.delete(form), 1500);
  }, true);
  // What was not sent, or was refused, can be tried again at once, and leaving asks as before: a script that sends by
  // itself says so, and htmx says what became of what it sent.
  const refused = (form) => {
    sent.delete(form);
    const there = form.isConnected ? form : [...document.forms].find((each) => each.id && each.id === form.id);
    if (there && typedIn.has(form)) changed.add(there);
  };
  document.addEventListener("unsent", (event) => refused(event.target));
  // Whoever is in front of it is told, in sight of what they pressed, when nobody answered or a server is in trouble.
  const tell = (place, isLost) => {
    for (const told of document.querySelectorAll(".not-sent")) told.remove();
    if (!isLost) return;
    const [told, lost] = [document.querySelector("#told"), document.createElement("p")];
    lost.className = "banner told bad error not-sent";
    lost.setAttribute("role", "alert");
    lost.textContent = told.dataset.notSent;
    (place.querySelector(".acts") || place.closest(".acts") || told).before(lost);
    lost.scrollIntoView({ block: "nearest" });
  };
  // What is refused comes back as a form in the place of the one that was sent.
  for (const name of ["htmx:afterRequest", "htmx:afterSwap"]) {
    document.addEventListener(name, (event) => {
      const { requestConfig, xhr } = event.detail;
      const { elt, triggeringEvent, verb } = requestConfig;
      // A look at what would be, which a change in the form asks for, is not the form. What is dragged has no event.
      if (triggeringEvent ? triggeringEvent.type !== "submit" : verb !== "post") return;
      tell(elt, xhr.status === 0 || xhr.status >= 500);
      if (xhr.status >= 200 && xhr.status < 400) sent.delete(elt); else refused(elt);
    });
  }

  // Choosing another language keeps what was typed: this tab remembers it until the page is there again.
  const typed = (form) => [...form.elements].filter((each) => each.name && !/hidden|password|file|submit/.test(each.type));
  const said = (form) => [
    form.getAttribute("action"), typed(form).map((one) => [one.name, one.value, one.checked === true]),
  ];
  const store = (key, value) => { try { sessionStorage.setItem(key, value); } catch { /* Then it is asked for. */ } };
  const taken = (key) => {
    try {
      const found = sessionStorage.getItem(key);
      sessionStorage.removeItem(key);
      return JSON.parse(found) || [];
    } catch { return []; }
  };
  const key = `typed ${location.pathname}${location.search}`;
  for (const form of document.querySelectorAll("form.languages")) {
    form.addEventListener("submit", () => {
      const forms = [...changed].filter((each) => each.isConnected);
      if (!forms.length || forms.some((each) => [...each.elements].some((one) => one.type === "file" && one.value))) return;
      store(key, JSON.stringify(forms.map(said)));
      changed.clear();
    });
  }
  // And so does going back to a form that was sent: the network may have failed, or there is something to correct. By
  // what names it, the server knows one that arrived (see `once`); the name is good for the session that it is of.
  const nameOf = (form) => [form.elements.csrf_token, form.elements.mark].map((each) => each && each.value);
  const isOf = (one, other) => one.split(".")[0] === other.split(".")[0];
  const before = `sent ${key}`;
  const cameBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  document.addEventListener("submit", (event) => {
    if (isTyped(event.target) && !event.defaultPrevented) store(before, JSON.stringify([[...said(event.target), nameOf(event.target)]]));
  });
  const sentBefore = taken(before);
  for (const [action, values, [token, mark] = []] of [...taken(key), ...(cameBack ? sentBefore : [])]) {
    const form = [...document.forms].find((each) => each.getAttribute("action") === action && each.method === "post");
    if (!form) continue;
    for (const element of typed(form)) {
      const isBox = /checkbox|radio/.test(element.type);
      const at = values.findIndex(([name, value]) => name === element.name && (!isBox || value === element.value));
      if (at < 0) continue;
      const [[, value, checked]] = values.splice(at, 1);
      if (isBox) element.checked = checked; else element.value = value;
    }
    const { csrf_token: named, mark: marked } = form.elements;
    if (token && isOf(token, named.value)) named.value = token;
    if (mark && marked) marked.value = mark;
    const row = form.closest("details");
    if (row) row.open = true;
    changed.add(form);
  }

  // A day ends when the clock of this device says so.
  for (const form of document.querySelectorAll("form[data-offset]")) {
    form.addEventListener("submit", () => {
      const { day, time, offset } = form.elements;
      const at = new Date(`${day.value}T${(time && time.value) || "23:59"}`);
      if (!Number.isNaN(at.getTime())) offset.value = -at.getTimezoneOffset();
    });
  }

  // Where the session is over, the answer to a part of a page is a whole page, with what was typed.
  document.addEventListener("plainly", (event) => {
    const form = event.target.closest && event.target.closest("form");
    if (!form || form.method !== "post") { location.reload(); return; }
    changed.clear();
    form.submit();
  });

  // In the matrix: how many boxes are not as they were, and which ticks follow from those of strangers.
  for (const form of document.querySelectorAll("form[data-counts]")) {
    const said = form.querySelector("[data-changed]");
    const boxes = [...form.querySelectorAll("input[name=box]")];
    const had = new Set([...form.querySelectorAll("input[name=had]")].map((input) => input.value));
    const field = (box) => box.value.split("-")[1];
    const given = (kind) => new Set([...form.querySelectorAll(`.col.${kind} input:checked`)].map(field));
    const follow = () => {
      if (!form.querySelector(".col.open")) return;
      const [open, all] = [given("open"), given("all")];
      for (const box of boxes) {
        const column = box.closest(".col").classList;
        const follows = open.has(field(box)) || (!column.contains("all") && all.has(field(box)));
        if (!column.contains("open")) box.closest(".cell").classList.toggle("as", follows);
      }
    };
    // Whoever is about to make something visible to strangers reads it beside the button that does it.
    const opens = form.querySelector("[data-opens]");
    const warn = () => {
      if (!form.querySelector(".col.open")) return;
      const given = [...form.querySelectorAll(".col.open input:checked")].filter((box) => !had.has(box.value));
      const titles = new Set(given.map((box) => box.closest(".cell").querySelector(".f").firstChild.data.trim()));
      opens.hidden = !titles.size;
      opens.lastElementChild.textContent = opens.dataset.opens.replace("%(what)s", () => [...titles].join(opens.dataset.and));
    };
    const count = () => {
      const number = boxes.filter((box) => box.checked !== had.has(box.value)).length;
      said.textContent = number ? said.dataset.changed.replace("%(num)s", number) : "";
      if (!number) changed.delete(form);
    };
    const all = () => { follow(); warn(); count(); };
    form.addEventListener("change", all);
    addEventListener("pageshow", all);
  }

  // Safari on an iPad says that it is a Mac, which can be touched at one place at most.
  const ipad = document.querySelector("[data-ipad] a");
  if (ipad && navigator.maxTouchPoints > 1) location.replace(ipad.href);

  // Of places side by side, the one where somebody is can be seen.
  const centre = (here) => {
    const strip = here.closest(".strip");
    if (here.parentElement !== strip) return;
    const [inner, outer] = [here, strip].map((each) => each.getBoundingClientRect());
    // Beside what stays, where something does.
    const always = strip.querySelector(".always");
    const left = always ? always.getBoundingClientRect().right : outer.left;
    strip.scrollLeft += inner.left - left - (outer.right - left - inner.width) / 2;
  };
  for (const here of document.querySelectorAll(".strip [aria-current]")) centre(here);

  // In the matrix on a phone, which shows one group at a time, it is the one whose column is there.
  const names = [...document.querySelectorAll(".strip.phone a")];
  const matrix = document.querySelector(".matrix");
  if (names.length && matrix) {
    const heads = names.map((name) => document.getElementById(name.hash.slice(1)));
    const isOne = matchMedia("(max-width: 47.99rem)");
    const mark = () => {
      const { left } = matrix.getBoundingClientRect();
      const away = heads.map((head) => Math.abs(head.getBoundingClientRect().left - left));
      const shown = isOne.matches ? away.indexOf(Math.min(...away)) : -1;
      names.forEach((name, number) => {
        if (name.hasAttribute("aria-current") === (number === shown)) return;
        name.toggleAttribute("aria-current", number === shown);
        if (number !== shown) return;
        name.setAttribute("aria-current", "true");
        centre(name);
      });
    };
    matrix.addEventListener("scroll", mark, { passive: true });
    for (const kind of ["pageshow", "resize"]) addEventListener(kind, mark);
  }

  // A menu closes when something else is pressed, or a link in it, which may lead to a place of the same page, and by Escape.
  document.addEventListener("click", (event) => {
    const leads = event.target.closest("a");
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (leads || !menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();
