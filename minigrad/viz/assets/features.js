// What the page can do beside playing: each feature adds itself to FEATURES, and is given the parts of the page when it is ready.

const FEATURES = []; // functions of the page: { data, graph, live, numbers, player, ..., menu, listen }

// The menus of the header: things that are wanted now and then.  On a phone they are behind one button.
class Menus {
  constructor(header) {
    this.row = el("div", { class: "menus" });
    const show = (isShown) => more.setAttribute("aria-expanded", this.row.toggleAttribute("data-shown", isShown));
    const more = el("button", { id: "more", class: "icon", "aria-label": "Menu", "aria-expanded": "false", onclick: () => show() }, icon("M3 5h14 M3 10h14 M3 15h14"));
    header.append(more, this.row);
    this.open = new Map();
    document.addEventListener("click", (event) => {
      this.close((menu) => !menu.contains(event.target));
      if (!header.contains(event.target)) show(false); // it lies on the graph
    });
    header.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      const menu = event.target.closest("details.menu");
      menu?.querySelector("summary").focus();
      if (menu?.open) this.close(() => true);
      else if (this.row.hasAttribute("data-shown")) {
        show(false);
        more.focus();
      }
    });
  }

  close(which) {
    for (const menu of this.open.values()) if (menu.open && which(menu)) menu.open = false;
  }

  add(name, ...items) {
    if (!this.open.has(name)) {
      const menu = el("details", { class: "menu" }, el("summary", {}, name), el("div", { role: "group", "aria-label": name }));
      this.open.set(name, menu);
      this.row.append(menu);
    }
    this.open.get(name).lastElementChild.append(...items.filter(Boolean));
  }
}

// Who wants to know when something happens.
class Listeners {
  constructor() {
    this.all = new Map();
  }

  on(kind, listener) {
    this.all.set(kind, [...(this.all.get(kind) ?? []), listener]);
  }

  tell(kind, ...what) {
    for (const listener of this.all.get(kind) ?? []) listener(...what);
  }
}
