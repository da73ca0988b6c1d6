// A page in a frame of a slide: the graph and a slim player, nothing else; what is clicked tells of itself in one line.

FEATURES.push((page) => {
  const open = el("a", { id: "whole-page", target: "_blank", rel: "noopener" }, "Open");
  open.title = "the whole page, with code, numbers and details";
  page.now.before(open);
  const aim = () => {
    const link = page.address.link();
    open.hidden = link === null;
    if (link !== null) open.href = link.replace(/([#&])embed(=[^&]*)?(&|$)/, "$1").replace(/[#&]$/, "");
  };
  open.addEventListener("pointerdown", aim);
  open.addEventListener("focus", aim);
  aim();
  page.listen("change", () => {
    if (root.hasAttribute("data-embed") && page.live.trouble) page.now.replaceChildren(el("b", { class: "trouble" }, page.live.trouble));
  });
  page.listen("select", (step) => {
    if (!root.hasAttribute("data-embed")) return;
    const value = page.hides(step, "value") ? "?" : step.value?.text ?? step.short;
    page.now.replaceChildren(el("b", {}, step.label), step.call ? ` = ${step.call}` : "", " = ", part("result", value),
      ...(step.gradient && !page.hides(step, "gradient") ? [", gradient ", part("arrives", step.gradient.text ?? step.arrives.join(", "))] : []));
  });
});
