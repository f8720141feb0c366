// The files as a tree, built from nested lists. `weigh` computes the sums for a view.

async function decoded(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
}

function buildTree(data) {
    const root = { name: data.title, label: data.title, path: "", kids: [] };
    data.tree.forEach((list, number) => {
        const item = data.items[number];
        const node = { name: item.name, label: item.label, path: "", item, parent: root, kids: [] };
        node.kids = list.map((entry) => buildNode(entry, node, data));
        root.kids.push(node);
    });
    return root;
}

function buildNode(entry, parent, data) {
    const path = parent.path ? `${parent.path}/${entry[0]}` : entry[0];
    const node = { name: entry[0], label: entry[0], path, parent, item: parent.item };
    if (Array.isArray(entry[1])) {
        node.kids = entry[1].map((inner) => buildNode(inner, node, data));
        return node;
    }
    [, node.kind, node.raw, node.compressed] = entry;
    node.status = data.statuses[entry[4] ?? 0];
    node.stripped = { raw: entry[5] ?? 0, compressed: entry[6] ?? 0 };
    return node;
}

const total = () => ({ raw: 0, compressed: 0, files: 0 });

function add(sum, part) {
    sum.raw += part.raw;
    sum.compressed += part.compressed;
    sum.files += part.files;
}

// Sets the sums of each node, now and before, its value in the view, and its main category.
function weigh(node, view) {
    node.now = total();
    node.before = total();
    node.value = 0;
    if (!node.kids) {
        weighFile(node, view);
        return node;
    }
    node.byKind = [];
    for (const kid of node.kids) {
        weigh(kid, view);
        for (const sum of ["now", "before"]) add(node[sum], kid[sum]);
        node.value += kid.value;
        if (kid.kids)
            kid.byKind.forEach((value, kind) => {
                node.byKind[kind] = (node.byKind[kind] ?? 0) + value;
            });
        else if (kid.value) node.byKind[kid.kind] = (node.byKind[kid.kind] ?? 0) + kid.value;
    }
    node.kind = node.byKind.reduce(
        (best, value, kind) => (value > (node.byKind[best] ?? 0) ? kind : best),
        node.byKind.length - 1,
    );
    node.shown = node.kids
        .filter((kid) => kid.value > 0)
        .sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
    return node;
}

function weighFile(node, view) {
    node.shown = [];
    if (view.kinds.size && !view.kinds.has(node.kind)) return;
    if (view.onlyRemoved && !node.status.removed) return;
    if (!matches(node, view)) return;
    const { raw, compressed, stripped } = node;
    const is = node.status.removed ? 0 : 1;
    node.now = { raw, compressed, files: is };
    node.before = {
        raw: raw + stripped.raw,
        compressed: compressed + stripped.compressed,
        files: 1,
    };
    node.value = node[view.moment][view.measure];
}

function matches(file, { query }) {
    if (!query) return true;
    file.search ??= `${file.item.name}/${file.path}`.toLowerCase();
    return file.search.includes(query);
}

function isRemoved(node) {
    return node.kids ? node.now.files === 0 && node.before.files > 0 : node.status.removed;
}

function pathTo(node) {
    const way = [];
    for (let one = node; one; one = one.parent) way.unshift(one);
    return way;
}

// The first descendant that is not the only directory in its parent.
function skipSingleDirectories(node) {
    while (node.shown.length === 1 && node.shown[0].kids && node.parent) node = node.shown[0];
    return node;
}

function* filesIn(node) {
    if (!node.kids) yield node;
    else for (const kid of node.kids) yield* filesIn(kid);
}
