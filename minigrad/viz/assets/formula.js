// Formulas: MathML made by minigrad, in which all text is escaped.  Browsers do not break its lines, so the page does.

const BREAKS = new Set(["=", "+", "−", "-", "≈"]); // a line may end before them
const FENCES = /^[()[\]{}|⌊⌋⌈⌉]$/;
const NARROWEST = 0.8; // so much smaller may a formula be, before it scrolls

function math(markup, label) {
  const span = el("span", label ? { "aria-label": label } : {});
  span.innerHTML = markup;
  queueMicrotask(() => fitFormula(span)); // when it stands in the page
  return span;
}

// Break a formula that is wider than its place; what is still too wide is written smaller.
function fitFormula(span) {
  const place = span.closest(".formula");
  const isWide = () => place.scrollWidth > place.clientWidth + 1;
  if (!span.isConnected || !place || !isWide()) return;
  for (const formula of span.querySelectorAll("math")) {
    const lines = [[]];
    for (const part of formulaTerms(formula)) {
      if (part.localName === "mo" && BREAKS.has(part.textContent) && lines.at(-1).length) {
        part.setAttribute("form", "infix"); // also where nothing stands before it
        lines.push([]);
      }
      lines.at(-1).push(part);
    }
    formula.replaceWith(...lines.flatMap((parts, i) => [i ? " " : "", formulaOf(parts)]));
  }
  if (isWide()) span.style.fontSize = `${Math.max(NARROWEST, place.clientWidth / place.scrollWidth)}em`;
}

// What a formula consists of, as far as it is one line: what is in brackets stays together.
function formulaTerms(element) {
  const parts = [...element.children];
  const isRow = element.localName === "math" || (element.localName === "mrow" && !parts.some((part) => part.localName === "mo" && FENCES.test(part.textContent)));
  return isRow ? parts.flatMap(formulaTerms) : [element];
}

function formulaOf(parts) {
  const formula = document.createElementNS("http://www.w3.org/1998/Math/MathML", "math");
  formula.append(...parts);
  return formula;
}
