// The level of the map as a table, for screen readers and for exact numbers.

function bar(part) {
    const made = element("i", "", { "aria-hidden": "true" });
    made.style.setProperty("--part", `${(100 * part).toFixed(1)}%`);
    return made;
}

const ROWS = 24;

function showTable(node, data, view, go, all = false) {
    const table = byId("table");
    const { measure } = view;
    const kids = node.shown;
    const sizes = measure === "raw" ? "unpacked" : "compressed";
    table.caption.textContent = `${node.label}: ${count(kids.length, "part")}, ${sizes}`;
    const rows = kids.slice(0, all ? Infinity : ROWS).map((kid) => {
        const row = element("tr", "", isRemoved(kid) ? { class: "removed" } : {});
        const name = element("th", kid.kids ? "" : kid.label, { scope: "row" });
        if (kid.kids) {
            const button = element("button", kid.label, { type: "button" });
            button.addEventListener("click", () => go(kid));
            name.append(button);
        }
        const share = element("td");
        share.append(bar(kid.value / (node.value || 1)), percent(kid.value, node.value));
        const kind = isRemoved(kid) ? "removed" : data.kinds[kid.kind];
        row.append(
            name,
            element("td", kind),
            element("td", size(kid.before[measure])),
            element("td", size(kid.now[measure])),
            share,
        );
        return row;
    });
    table.tBodies[0].replaceChildren(...rows);
    const more = byId("more");
    more.hidden = all || kids.length <= ROWS;
    more.textContent = `Show all ${kids.length.toLocaleString("en")}`;
    more.onclick = () => showTable(node, data, view, go, true);
}
