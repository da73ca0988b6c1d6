// What the page can do beside playing: each feature adds itself to FEATURES, and is given the parts of the page when it is ready.

const FEATURES = []; // functions of the page: { data, graph, live, numbers, player, ..., menu, listen }

// A menu of the header: things that are wanted now and then.
class Menus {
  constructor(row, before) {
    Object.assign(this, { row, before });
    this.open = new Map();
    document.addEventListener("click", (event) => this.close((menu) => !menu.contains(event.target)));
    row.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.target.closest("details.menu")?.querySelector("summary").focus();
      this.close(() => true);
    });
  }

  close(which) {
    for (const menu of this.open.values()) if (menu.open && which(menu)) menu.open = false;
  }

  add(name, ...items) {
    if (!this.open.has(name)) {
      const menu = el("details", { class: "menu" }, el("summary", {}, name), el("div", { role: "group", "aria-label": name }));
      this.open.set(name, menu);
      this.row.insertBefore(menu, this.before);
    }
    this.open.get(name).lastElementChild.append(...items);
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
