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
    canvas.classList.toggle("circle", input("square").checked);
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

  // Who drags the picture moves it under the square, as on a phone; two fingers or the wheel bring it closer.
  const set = (name, to, least, most) => {
    input(name).value = Math.round(Math.min(most, Math.max(least, to)));
  };
  const held = new Map();
  let before = null;
  const remember = () => {
    const [one, other] = [...held.values()];
    before = {
      x: one ? (one.x + (other || one).x) / 2 : 0,
      y: one ? (one.y + (other || one).y) / 2 : 0,
      apart: other ? Math.hypot(one.x - other.x, one.y - other.y) : 0,
      across: Number(input("across").value), down: Number(input("down").value), zoom: Number(input("zoom").value),
    };
  };
  canvas.addEventListener("pointerdown", (event) => {
    held.set(event.pointerId, { x: event.clientX, y: event.clientY });
    canvas.setPointerCapture(event.pointerId);
    remember();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held.has(event.pointerId) || !picture || !input("square").checked) return;
    held.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const [one, other] = [...held.values()];
    if (other && before.apart) {
      set("zoom", before.zoom * Math.hypot(one.x - other.x, one.y - other.y) / before.apart, 100, 400);
    }
    const { side } = box();
    const scale = side / canvas.clientWidth;
    const move = (name, from, pixels, room) => {
      if (room > 0) set(name, from - pixels * scale * 100 / room, 0, 100);
    };
    move("across", before.across, (one.x + (other || one).x) / 2 - before.x, picture.naturalWidth - side);
    move("down", before.down, (one.y + (other || one).y) / 2 - before.y, picture.naturalHeight - side);
    draw();
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => { held.delete(event.pointerId); remember(); });
  }
  canvas.addEventListener("wheel", (event) => {
    if (!picture || !input("square").checked) return;
    event.preventDefault();
    set("zoom", Number(input("zoom").value) * Math.exp(-event.deltaY / 500), 100, 400);
    draw();
  }, { passive: false });

  input("picture").addEventListener("change", load);
  for (const name of ["square", "across", "down", "zoom"]) input(name).addEventListener("input", draw);
  load();
})();
