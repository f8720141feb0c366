// The state of the page, and the events that change it.

const data = await decoded(byId("data").textContent);
const root = buildTree(data);
const view = {
    moment: "now",
    measure: "compressed",
    query: "",
    kinds: new Set(),
    onlyRemoved: false,
};
let here = weigh(root, view);
const map = new Treemap(byId("map"), {
    hover: (node) => showDetails(node ?? here, data, view),
    open,
});

function open(node, byKey) {
    if (node.kids) go(node, byKey);
    else {
        showDetails(node, data, view);
        announce([node.label, ...node.status.lines].join(". "));
    }
}

function go(node, byKey = false) {
    const left = here;
    const inwards = pathTo(node).includes(left);
    here = inwards ? skipSingleDirectories(node) : node;
    draw(left);
    if (byKey) map.focus(inwards ? null : pathTo(left).find((one) => one.parent === here));
    announce(`${here.label}: ${size(here.value)}, ${count(here.shown.length, "entry", "entries")}`);
}

// Also out of directories with a single directory, which the way in has skipped.
function out() {
    let node = here.parent;
    while (node?.parent && node.shown.length === 1) node = node.parent;
    const typed = document.activeElement;
    if (node) go(node, typed === document.body || byId("tiles").contains(typed));
}

function draw(from = null) {
    map.show(here, view, from);
    showCrumbs(here, view, go);
    showDetails(here, data, view);
    showTable(here, data, view, go);
    showLegend(here, data, view, { toggle, toggleRemoved });
    byId("package").value = String(data.items.indexOf(here.item));
}

function refresh() {
    weigh(root, view);
    draw();
}

const announce = (text) => {
    byId("status").textContent = text;
};

function toggle(number) {
    if (!view.kinds.delete(number)) view.kinds.add(number);
    refresh();
}

function toggleRemoved() {
    view.onlyRemoved = !view.onlyRemoved;
    refresh();
}

function listen() {
    for (const name of ["moment", "measure"]) {
        for (const radio of document.getElementsByName(name)) {
            radio.addEventListener("change", () => {
                view[name] = radio.value;
                view.onlyRemoved &&= view.moment === "before";
                refresh();
                announce(`${size(here.value)}, ${radio.parentElement.textContent}`);
            });
        }
    }
    const places = byId("package");
    places.append(new Option("Everything", "-1"));
    data.items.forEach((item, number) => places.append(new Option(item.label, String(number))));
    places.addEventListener("change", () =>
        go(places.value === "-1" ? root : root.kids[Number(places.value)]),
    );
    byId("search").addEventListener("input", (event) => {
        view.query = event.target.value.trim().toLowerCase();
        refresh();
        announce(
            view.query
                ? `${count(here[view.moment].files, "file")} found, ${size(here.value)}`
                : "",
        );
    });
    document.addEventListener("keydown", onKey);
    const redraw = () => map.show(here, view, null);
    new ResizeObserver(redraw).observe(byId("map"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    addEventListener("beforeprint", () => showTable(here, data, view, go, true));
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function onKey(event) {
    const typing = event.target.matches("input[type=search], select");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !typing) byId("search").focus();
    else if (event.key === "Escape" && event.target === byId("search")) return;
    else if (event.key === "Escape" || (event.key === "Backspace" && !typing)) out();
    else if (event.key in ARROWS && byId("map").contains(event.target)) map.step(ARROWS[event.key]);
    else return;
    event.preventDefault();
}

showHead(data);
listen();
draw();
document.documentElement.dataset.ready = Math.round(performance.now());
