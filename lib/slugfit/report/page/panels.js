// The panels around the map: the breadcrumbs, and the details of the tile under the pointer.

function showCrumbs(node, view, go) {
    const way = pathTo(node).map((one) => {
        const entry = element("li");
        if (one === node) entry.append(element("span", one.label, { "aria-current": "location" }));
        else {
            const button = element("button", one.label, { type: "button" });
            button.addEventListener("click", () => go(one));
            entry.append(button);
        }
        return entry;
    });
    const sum = node[view.moment];
    way.push(
        element("li", `${size(node.value)} in ${count(sum.files, "file")}`, { class: "total" }),
    );
    byId("crumbs").replaceChildren(...way);
}

function showDetails(node, data, view) {
    const parts = [element("h3", node.label)];
    if (node.path && node.path !== node.name)
        parts.push(element("p", node.path, { class: "path" }));
    parts.push(sizesOf(node));
    const facts = [];
    if (!node.kids) facts.push(["Category", data.kinds[node.kind]]);
    if (node.item && node.path) facts.push(["Part of", node.item.label]);
    if (node.item?.by) facts.push(["Required by", node.item.by]);
    if (node.parent)
        facts.push(["Share of the slug", percent(node.now.compressed, data.slug.now.compressed)]);
    const list = element("dl");
    for (const [name, text] of facts) list.append(element("dt", name), element("dd", text));
    parts.push(list);
    parts.push(...removalsBelow(node));
    for (const line of node.status?.lines ?? [])
        parts.push(element("p", line, { class: isRemoved(node) ? "why removed" : "why" }));
    byId("details").replaceChildren(...parts);
}

const SYMBOLS = "symbols and debug data";
const MAX_REASONS = 6;

// What the strip removed from a directory, by reason, most bytes first.
function removalsBelow(node) {
    node.strippedByReason ??= strippedFrom(node);
    if (!node.strippedByReason.length) return [];
    const table = element("table", "", { class: "removals" });
    const body = table.createTBody();
    for (const [reason, sum] of node.strippedByReason.slice(0, MAX_REASONS)) {
        const row = body.insertRow();
        row.append(
            element("th", reason, { scope: "row" }),
            element("td", sum.files.toLocaleString("en")),
            element("td", size(sum.raw)),
        );
    }
    return [element("h4", "Removed: files, unpacked size"), table];
}

function strippedFrom(node) {
    const sums = new Map();
    for (const file of node.kids ? filesIn(node) : []) {
        const { removed, lines } = file.status;
        if (!file.stripped.raw && !removed) continue;
        const reason = removed ? lines[0].replace(/^Removed: /, "") : SYMBOLS;
        const sum = sums.get(reason) ?? total();
        add(sum, { ...file.stripped, files: 1 });
        sums.set(reason, sum);
    }
    return [...sums].sort((a, b) => b[1].raw - a[1].raw);
}

function sizesOf(node) {
    const table = element("table");
    const head = table.createTHead().insertRow();
    const body = table.createTBody();
    for (const name of ["", "Before", "After"])
        head.append(element(name ? "th" : "td", name, name ? { scope: "col" } : {}));
    for (const [name, measure] of [
        ["Compressed", "compressed"],
        ["Unpacked", "raw"],
    ]) {
        const row = body.insertRow();
        row.append(element("th", name, { scope: "row" }));
        for (const moment of ["before", "now"])
            row.append(element("td", size(node[moment][measure])));
    }
    return table;
}
