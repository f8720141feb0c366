// The categories with their sizes, as buttons that filter by category.

function showLegend(node, data, view, { toggle, toggleRemoved }) {
    const { sums, removed } = sumsByKind(node, data, view);
    const chips = [];
    data.kinds.forEach((kind, number) => {
        const pressed = view.kinds.has(number);
        if (!sums[number] && !pressed) return;
        chips.push(chip(kind, sums[number], pressed, `var(--k${number})`, () => toggle(number)));
    });
    if (view.moment === "before" && (removed || view.onlyRemoved))
        chips.push(chip("removed", removed, view.onlyRemoved, null, toggleRemoved));
    const focused = document.activeElement?.dataset?.chip;
    byId("legend").replaceChildren(...chips);
    if (focused) byId("legend").querySelector(`[data-chip="${focused}"]`)?.focus();
}

// By category, including those that are filtered out, so that they can be chosen again.
function sumsByKind(node, data, view) {
    const sums = data.kinds.map(() => 0);
    let removed = 0;
    for (const file of filesIn(node)) {
        if (!matches(file, view)) continue;
        const stripped = file.stripped[view.measure];
        sums[file.kind] += file[view.measure] + (view.moment === "before" ? stripped : 0);
        if (file.status.removed) removed += stripped;
    }
    return { sums, removed };
}

function chip(name, bytes, pressed, colour, act) {
    const entry = element("li");
    const button = element("button", "", {
        type: "button",
        "aria-pressed": pressed,
        "data-chip": name.replaceAll(" ", "-"),
    });
    const swatch = element("i", "", { "aria-hidden": "true" });
    if (colour) swatch.style.background = colour;
    else swatch.className = "hatched";
    button.append(swatch, name, element("span", size(bytes)));
    button.addEventListener("click", act);
    entry.append(button);
    return entry;
}
