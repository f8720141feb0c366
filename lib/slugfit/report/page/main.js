// What is shown, and what changes it.

const told = await unpacked(byId("data").textContent);
const root = planted(told);
const view = {
    moment: "now",
    measure: "compressed",
    query: "",
    kinds: new Set(),
    onlyRemoved: false,
};
let here = weigh(root, view);
const map = new Treemap(byId("map"), {
    hover: (node) => showDetails(node ?? here, told, view),
    open,
});

function open(node, byKey) {
    if (node.kids) go(node, byKey);
    else {
        showDetails(node, told, view);
        say([node.label, ...node.story.lines].join(". "));
    }
}

function go(node, byKey = false) {
    const left = here;
    const inwards = above(node).includes(left);
    here = inwards ? entered(node) : node;
    draw(left);
    if (byKey) map.focus(inwards ? null : above(left).find((one) => one.parent === here));
    say(`${here.label}: ${size(here.value)}, ${here.shown.length} inside`);
}

// Out of directories that hold nothing else, too: nobody has seen them on the way in.
function out() {
    let node = here.parent;
    while (node?.parent && node.shown.length === 1) node = node.parent;
    const typed = document.activeElement;
    if (node) go(node, typed === document.body || byId("tiles").contains(typed));
}

function draw(from = null) {
    map.show(here, view, from);
    showCrumbs(here, view, go);
    showDetails(here, told, view);
    showTable(here, told, view, go);
    showLegend(here, told, view, { toggle, toggleRemoved });
    byId("package").value = String(told.items.indexOf(here.item));
}

function renew() {
    weigh(root, view);
    draw();
}

const say = (text) => {
    byId("status").textContent = text;
};

function toggle(number) {
    if (!view.kinds.delete(number)) view.kinds.add(number);
    renew();
}

function toggleRemoved() {
    view.onlyRemoved = !view.onlyRemoved;
    renew();
}

function listen() {
    for (const name of ["moment", "measure"]) {
        for (const radio of document.getElementsByName(name)) {
            radio.addEventListener("change", () => {
                view[name] = radio.value;
                view.onlyRemoved &&= view.moment === "before";
                renew();
                say(`${size(here.value)}, ${radio.parentElement.textContent}`);
            });
        }
    }
    const places = byId("package");
    places.append(new Option("Everything", "-1"));
    told.items.forEach((item, number) => places.append(new Option(item.label, String(number))));
    places.addEventListener("change", () =>
        go(places.value === "-1" ? root : root.kids[Number(places.value)]),
    );
    byId("search").addEventListener("input", (event) => {
        view.query = event.target.value.trim().toLowerCase();
        renew();
        say(
            view.query
                ? `${count(here[view.moment].files, "file")} found, ${size(here.value)}`
                : "",
        );
    });
    document.addEventListener("keydown", keyed);
    const redraw = () => map.show(here, view, null);
    new ResizeObserver(redraw).observe(byId("map"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    addEventListener("beforeprint", () => showTable(here, told, view, go, true));
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function keyed(event) {
    const typing = event.target.matches("input[type=search], select");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !typing) byId("search").focus();
    else if (event.key === "Escape" && event.target === byId("search")) return;
    else if (event.key === "Escape" || (event.key === "Backspace" && !typing)) out();
    else if (event.key in ARROWS && byId("map").contains(event.target)) map.step(ARROWS[event.key]);
    else return;
    event.preventDefault();
}

showHead(told);
listen();
draw();
document.documentElement.dataset.ready = Math.round(performance.now());
