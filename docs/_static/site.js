"use strict";

// The theme's arrows beside sections have no name for those who do not see them.
for (const arrow of document.querySelectorAll("summary > .toctree-toggle")) {
  arrow.parentElement.setAttribute("aria-label", "Pages of this section");
}

// A formula that is wider than the page can be moved by the keyboard, too.
for (const wide of document.querySelectorAll(".formulas, div.math")) {
  if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
}
