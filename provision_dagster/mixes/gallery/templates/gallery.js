"use strict";
(() => {
  const PER_PAGE = 24;
  const COLORS = 7;
  const SVG = "http://www.w3.org/2000/svg";
  const CHOICES = ["generator", "family", "form", "origin"];
  const BOUNDS = ["judge", "region_text"];
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const data = JSON.parse(document.getElementById("data").textContent);
  const form = document.getElementById("filters");
  const list = document.getElementById("examples");
  let page = 0;

  // Texts become text nodes and attributes of known names: nothing of the data is ever read as HTML.
  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    return filled(made, attributes, children);
  }

  function drawn(name, attributes, ...children) {
    return filled(document.createElementNS(SVG, name), attributes, children);
  }

  function filled(made, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  function normal(text) {
    return text.normalize("NFKC").toLowerCase();
  }

  function searched(entry) {
    if (entry.text === undefined) {
      const labels = entry.boxes.flat().map((box) => box.label);
      const turns = entry.turns.map((turn) => turn.value);
      const names = entry.pictures.map((place) => data.pictures[place].name);
      const parts = [entry.id, entry.generator, entry.template, entry.prompt, entry.response, entry.question, entry.answer];
      entry.text = normal([...parts, ...entry.options, ...labels, ...turns, ...names].filter(Boolean).join("\n"));
    }
    return entry.text;
  }

  function field(name) {
    return form.elements.namedItem(name);
  }

  function bound(name) {
    const input = field(name);
    return input === null || input.value.trim() === "" ? null : Number(input.value);
  }

  function within(entry, score) {
    const from = bound(score + "-from");
    const to = bound(score + "-to");
    if (from === null && to === null) return true;
    const value = entry.scores[score];
    if (value === null || value === undefined) return false;
    return (from === null || value >= from) && (to === null || value <= to);
  }

  function matching() {
    const words = normal(field("search").value).split(/\s+/).filter(Boolean);
    const chosen = CHOICES.filter((name) => field(name) !== null && field(name).value !== "");
    return data.entries.filter(
      (entry) =>
        chosen.every((name) => entry[name] === field(name).value) &&
        BOUNDS.every((score) => within(entry, score)) &&
        words.every((word) => searched(entry).includes(word)),
    );
  }

  function boxMarks(box, number, size) {
    const color = number % COLORS;
    const place = { x: box.x1, y: box.y1, width: box.x2 - box.x1, height: box.y2 - box.y1 };
    const radius = Math.max(size.width, size.height) / 34;
    // on the corner of the box, inside the picture: small boxes stay visible
    const inside = (value, side) => Math.min(Math.max(value, radius), side - radius);
    const at = { x: inside(box.x1, size.width), y: inside(box.y1, size.height) };
    return [
      drawn("rect", { class: "box halo", ...place }),
      drawn("rect", { class: "box mark c" + color, ...place }),
      drawn("circle", { class: "tag f" + color, cx: at.x, cy: at.y, r: radius }),
      drawn("text", { class: "digit", x: at.x, y: at.y, "font-size": radius * 1.3 }, String(number + 1)),
    ];
  }

  function pictureOf(entry, place) {
    const picture = data.pictures[entry.pictures[place]];
    const boxes = entry.boxes[place] || [];
    const size = { width: picture.width || 400, height: picture.height || 300 };
    const many = entry.pictures.length > 1 ? "Image " + (place + 1) + ": " : "";
    const named = boxes.map((box, number) => number + 1 + " " + box.label).join(", ");
    const told = many + "picture " + picture.name + (named ? ", boxes: " + named : "");
    const sheet = drawn("svg", {
      class: "picture", viewBox: "0 0 " + size.width + " " + size.height, role: "img", "aria-label": told,
    });
    if (picture.src !== null) sheet.append(drawn("image", { href: picture.src, ...size }));
    sheet.append(drawn("g", { class: "over" }, ...boxes.flatMap((box, number) => boxMarks(box, number, size))));
    const caption = element("figcaption", {}, many, picture.name);
    if (picture.problem !== null) caption.append(" (no picture: " + picture.problem.replaceAll("_", " ") + ")");
    boxes.forEach((box, number) => {
      const sign = element("span", { class: "swatch f" + (number % COLORS) }, String(number + 1));
      caption.append(" ", sign, " " + box.label);
    });
    return element("figure", {}, sheet, caption);
  }

  function spoken(entry) {
    if (entry.turns.length) {
      return entry.turns.map((turn) =>
        element("p", { class: "turn says" }, element("strong", {}, turn.from + ": "), turn.value),
      );
    }
    if (entry.form !== "choice") {
      return [
        element("p", { class: "says" }, entry.prompt),
        element("p", { class: "says right" }, entry.response),
      ];
    }
    const options = entry.options.map((option, place) => {
      const right = place === entry.right;
      return element("li", right ? { class: "right" } : {}, option, ...(right ? [" (answer)"] : []));
    });
    const letter = entry.right === null ? entry.response : LETTERS[entry.right];
    return [
      element("p", { class: "says" }, entry.question || entry.prompt),
      element("ol", { class: "options", type: "A" }, ...options),
      element("p", { class: "says right" }, letter + ". " + (entry.answer || "")),
    ];
  }

  function scoresOf(entry) {
    const told = { judge: "judge", region_text: "region and text" };
    return BOUNDS.filter((name) => typeof entry.scores[name] === "number").map(
      (name) => told[name] + " " + entry.scores[name].toFixed(3),
    );
  }

  function shown(entry) {
    const facts = [entry.family, entry.form, ...scoresOf(entry), entry.license, entry.id].filter(Boolean);
    return element(
      "li",
      { class: entry.pictures.length > 1 ? "example several" : "example", "data-id": entry.id },
      element("h3", {}, entry.generator),
      element("div", { class: "pictures" }, ...entry.pictures.map((_, place) => pictureOf(entry, place))),
      ...spoken(entry),
      element("p", { class: "facts-of" }, facts.join(" · ")),
    );
  }

  function show() {
    const found = matching();
    const pages = Math.max(1, Math.ceil(found.length / PER_PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    const begin = page * PER_PAGE;
    const part = found.slice(begin, begin + PER_PAGE);
    list.replaceChildren(...part.map(shown));
    list.classList.toggle("no-boxes", !field("boxes").checked);
    const range = part.length ? ": " + (begin + 1) + " to " + (begin + part.length) : "";
    document.getElementById("count").textContent = found.length + " of " + data.entries.length + " examples" + range;
    document.getElementById("page").textContent = "Page " + (page + 1) + " of " + pages;
    document.getElementById("previous").disabled = page === 0;
    document.getElementById("next").disabled = page === pages - 1;
  }

  function turn(by) {
    page += by;
    show();
    document.getElementById("results").focus();
  }

  // The address remembers the filters, so that a view can be passed on: gallery.html#generator=MostObject
  function remember() {
    const given = new URLSearchParams();
    for (const input of form.elements) {
      if (input.name && input.type !== "checkbox" && input.value !== "") given.set(input.name, input.value);
    }
    history.replaceState(null, "", given.size ? "#" + given : location.pathname);
  }

  function recall(address) {
    for (const [name, value] of new URLSearchParams(address.slice(1))) {
      const input = form.elements.namedItem(name);
      if (input !== null && input.type !== "checkbox") input.value = value;
    }
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { page = 0; remember(); show(); });
  form.addEventListener("reset", () => setTimeout(() => { page = 0; remember(); show(); }));
  window.addEventListener("hashchange", () => { const address = location.hash; form.reset(); recall(address); page = 0; show(); });
  document.getElementById("previous").addEventListener("click", () => turn(-1));
  document.getElementById("next").addEventListener("click", () => turn(1));
  recall(location.hash);
  show();
})();
