// Buttons that copy, send or print a value. Without this file, or where the browser cannot do it, there are none.
"use strict";

(() => {
  const shown = (selector, act) => {
    for (const button of document.querySelectorAll(selector)) {
      button.hidden = false;
      button.addEventListener("click", () => act(button));
    }
  };
  const value = (name) => document.getElementById(name);

  if (navigator.clipboard) {
    shown("[data-copies]", async (button) => {
      const from = value(button.dataset.copies);
      const said = document.getElementById("copied");
      from.select();
      await navigator.clipboard.writeText(from.value);
      if (said) said.textContent = said.dataset.done;
    });
  }
  if (navigator.share) {
    shown("[data-shares]", async (button) => {
      // Whoever closes the list of ways to send has changed their mind.
      await navigator.share({ title: button.dataset.title, url: value(button.dataset.shares).value }).catch(() => {});
    });
  }
  shown("[data-prints]", () => print());
})();
