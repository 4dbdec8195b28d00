// What an open page shows of others is kept as it is now, as long as somebody looks at it.
"use strict";

(() => {
  // Seconds between two looks, for as long as so many seconds have passed since somebody did something here.
  const PACES = [[60, 5], [600, 15], [Infinity, 60]];
  const WAITING = [[120, 2], [1800, 6], [Infinity, 30]];
  // Milliseconds: nothing moves so soon after a touch, and nothing that was moved is pressed so soon afterwards.
  const [TOUCHED, MOVED] = [2500, 700];
  const place = document.getElementById("live");

  // Looks again and again until a look says that it was the last; never while the page is hidden.
  const watch = (look, paces) => {
    let [began, timer, failures, isLooking, isOver] = [performance.now(), 0, 0, false, false];
    const pace = () => paces.find(([seconds]) => performance.now() - began < seconds * 1000)[1];
    const plan = () => {
      clearTimeout(timer);
      if (isOver || document.hidden) return;
      // Not all pages at once, and seldom where the server has enough to do.
      timer = setTimeout(now, pace() * 1000 * (0.9 + Math.random() / 5) * 2 ** failures);
    };
    const now = async () => {
      clearTimeout(timer);
      if (isLooking || isOver || document.hidden) return;
      isLooking = true;
      try { isOver = await look(); failures = 0; } catch { failures = Math.min(failures + 1, 4); }
      isLooking = false;
      plan();
    };
    const anew = () => { began = performance.now(); now(); };
    const used = () => {
      const isSlow = pace() > paces[0][1];
      began = performance.now();
      if (isSlow) plan();
    };
    document.addEventListener("visibilitychange", () => { if (document.hidden) clearTimeout(timer); else anew(); });
    addEventListener("pageshow", (event) => { if (event.persisted) anew(); });
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, used, { passive: true });
    plan();
  };
  const ask = (address, headers) => fetch(address, { headers, cache: "no-store" });
  const well = (answer) => { if (answer.status >= 400) throw new Error(answer.statusText); return answer; };

  // What waits for a device, until it has come.
  for (const waiting of document.querySelectorAll("[data-polls]")) {
    let version = waiting.dataset.version;
    const isDone = () => waiting.querySelector("[data-done]") !== null;
    if (!isDone()) watch(async () => {
      const answer = await ask(waiting.dataset.polls, { "If-None-Match": version });
      // It is over, or the device is no more.
      if (answer.redirected || answer.status === 404) return true;
      if (well(answer).status === 200) {
        waiting.innerHTML = await answer.text();
        version = answer.headers.get("ETag");
      }
      return isDone();
    }, WAITING);
  }

  if (!place) return;
  const part = document.querySelector("[data-live]");
  const [news, over] = [place.querySelector("[data-new]"), place.querySelector("[data-over]")];
  let [version, state] = [place.dataset.version, JSON.parse(place.dataset.state)];
  let [fresh, touched, moved] = [null, -Infinity, -Infinity];

  const said = place.querySelector("[data-said]");
  said.setAttribute("role", "status");
  const say = (text) => { said.textContent = text; };
  const end = () => {
    news.hidden = true;
    over.hidden = false;
    say(over.firstElementChild.textContent);
    return true;
  };

  // Whether something was typed or chosen in there that is not sent yet.
  const isTyped = (element) => [...element.querySelectorAll("input:not([type=hidden]), textarea, select")].some((each) => {
    if (/checkbox|radio/.test(each.type)) return each.checked !== each.defaultChecked;
    if (each.options) return each.selectedIndex !== Math.max(0, [...each.options].findIndex((one) => one.defaultSelected));
    return each.value !== each.defaultValue;
  });
  const isHeld = (element) => {
    const selection = getSelection();
    return element.contains(document.activeElement) || isTyped(element)
      || (!selection.isCollapsed && element.contains(selection.anchorNode));
  };
  const isInUse = () => {
    const under = [...document.querySelectorAll(":hover")].pop();
    return isHeld(part) || performance.now() - touched < TOUCHED
      || Boolean(under && part.contains(under) && under.closest("a, button, input, label, select, summary, textarea"));
  };

  // What can be seen of an element, without what is another each time it is sent.
  const face = (element) => {
    const copy = element.cloneNode(true);
    for (const each of copy.querySelectorAll("time, input[name=csrf_token]")) each.remove();
    for (const each of [copy, ...copy.querySelectorAll("[open]")]) each.removeAttribute("open");
    return copy.outerHTML;
  };
  const key = (element) => element.id || `${element.localName} ${element.getAttribute("aria-labelledby") || ""}`;
  const hasParts = (element) => element.querySelector("[id]") !== null;
  const merge = (old, given) => {
    if (face(old) === face(given)) return;
    if (!hasParts(old) || !hasParts(given)) {
      if (!isHeld(old)) old.replaceWith(document.importNode(given, true));
      return;
    }
    const left = [...old.children];
    let at = old.firstElementChild;
    for (const child of given.children) {
      const known = left.find((each) => key(each) === key(child));
      if (known) {
        left.splice(left.indexOf(known), 1);
        if (known === at) at = at.nextElementSibling;
        // What is moved loses the focus that is in it.
        else if (!isHeld(known)) old.insertBefore(known, at);
        merge(known, child);
      } else old.insertBefore(document.importNode(child, true), at);
    }
    for (const each of left) if (!isHeld(each)) each.remove();
  };

  const apply = () => {
    if (!fresh) return;
    merge(part, fresh);
    [fresh, moved, news.hidden] = [null, performance.now(), true];
  };
  const settle = () => {
    if (!fresh) return;
    if (!isInUse()) { apply(); return; }
    news.hidden = false;
    setTimeout(settle, 1000);
  };
  const renew = async () => {
    const answer = await ask(location.href, { "HX-Target": "live" });
    if (answer.redirected) return;
    const given = new DOMParser().parseFromString(await well(answer).text(), "text/html").querySelector("[data-live]");
    const isPlanned = fresh !== null;
    fresh = given;
    if (!isPlanned) settle();
  };

  news.querySelector("button").addEventListener("click", apply);
  for (const kind of ["pointerdown", "touchmove", "keydown", "wheel"]) {
    addEventListener(kind, () => { touched = performance.now(); }, { passive: true });
  }
  document.addEventListener("click", (event) => {
    if (part && part.contains(event.target) && performance.now() - moved < MOVED) event.preventDefault();
  }, true);

  const count = (number) => {
    for (const badge of document.querySelectorAll("[data-asking]")) {
      badge.firstElementChild.textContent = number;
      badge.hidden = number === 0;
    }
  };
  watch(async () => {
    const answer = well(await ask(place.dataset.look, { "If-None-Match": version }));
    if (answer.status === 304) return false;
    const now = await answer.json();
    // Signed out, or somebody else by now: this page is not theirs.
    if (now.who !== state.who) return end();
    const changed = ["requests", "cards"].filter((each) => now[each] !== state[each]);
    const isShown = part && changed.some((each) => part.dataset.live.split(" ").includes(each));
    if (isShown) await renew();
    if (now.asking > state.asking) say(place.dataset.asked);
    else if (isShown && changed.includes("cards")) say(place.dataset.changed);
    count(now.asking);
    [version, state] = [answer.headers.get("ETag"), now];
    return false;
  }, PACES);
})();
