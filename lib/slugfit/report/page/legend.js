// The categories with what they hold here, and what to press to see only some of them.

function showLegend(node, told, view, { toggle, toggleRemoved }) {
    const { sums, removed } = held(node, told, view);
    const chips = [];
    told.kinds.forEach((kind, number) => {
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

// By category, those that are filtered out, too: else nobody could choose them.
function held(node, told, view) {
    const sums = told.kinds.map(() => 0);
    let removed = 0;
    for (const file of filesIn(node)) {
        if (!matches(file, view)) continue;
        const gone = file.gone[view.measure];
        sums[file.kind] += file[view.measure] + (view.moment === "before" ? gone : 0);
        if (file.story.removed) removed += gone;
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
