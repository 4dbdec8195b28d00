// Buttons that copy a value. Without this file, or where the browser does not allow it, there are none.
(function () {
  "use strict";
  if (!navigator.clipboard) {
    return;
  }
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const from = document.getElementById(button.dataset.copies);
      const said = document.getElementById("copied");
      from.select();
      await navigator.clipboard.writeText(from.value);
      if (said) {
        said.textContent = said.dataset.done;
      }
    });
  }
})();
