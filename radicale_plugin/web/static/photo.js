// Shows which square of a picture will be cut out, before it is sent. Without this, the square is cut out all the same.
"use strict";

(() => {
  const form = document.querySelector("form[data-photo]");
  if (!form) return;
  const canvas = form.querySelector("canvas");
  const context = canvas.getContext("2d");
  const input = (name) => form.elements.namedItem(name);
  const part = (name) => Number(input(name).value) / 100;
  let picture = null;

  // As `sync.vcard.photos.Square.box` has it.
  const box = () => {
    const [width, height] = [picture.naturalWidth, picture.naturalHeight];
    const side = Math.max(1, Math.min(width, height) / part("zoom"));
    return { left: (width - side) * part("across"), top: (height - side) * part("down"), side };
  };

  const draw = () => {
    form.querySelector(".square").hidden = !input("square").checked;
    canvas.hidden = !picture;
    if (!picture) return;
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (input("square").checked) {
      const { left, top, side } = box();
      context.drawImage(picture, left, top, side, side, 0, 0, canvas.width, canvas.height);
      return;
    }
    const scale = Math.min(canvas.width / picture.naturalWidth, canvas.height / picture.naturalHeight);
    const [width, height] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
    context.drawImage(picture, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
  };

  const load = () => {
    const file = input("picture").files[0];
    picture = null;
    draw();
    if (!file) return;
    const loading = new Image();
    loading.onload = () => {
      picture = loading;
      draw();
    };
    loading.src = URL.createObjectURL(file);
  };

  // Who drags the picture moves it under the square, as on a phone.
  let held = null;
  const change = (name, by) => {
    const field = input(name);
    field.value = Math.round(Math.min(100, Math.max(0, Number(field.value) + by)));
  };
  canvas.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, y: event.clientY, across: Number(input("across").value), down: Number(input("down").value) };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held || !picture || !input("square").checked) return;
    const { side } = box();
    const scale = side / canvas.clientWidth;
    const move = (name, from, pixels, room) => {
      input(name).value = from;
      if (room > 0) change(name, (-pixels * scale * 100) / room);
    };
    move("across", held.across, event.clientX - held.x, picture.naturalWidth - side);
    move("down", held.down, event.clientY - held.y, picture.naturalHeight - side);
    draw();
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { held = null; });

  input("picture").addEventListener("change", load);
  for (const name of ["square", "across", "down", "zoom"]) input(name).addEventListener("input", draw);
  load();
})();
