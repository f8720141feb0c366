// The treemap: a canvas for everything visible, and a button for each tile of the level.

const MOST_TILES = 160;
const LEAST_TILE = 9; // pixels: smaller ones can't be clicked, but are in the table

class Treemap {
    constructor(map, pick) {
        this.map = map;
        this.canvas = map.querySelector("canvas");
        this.tiles = map.querySelector("#tiles");
        this.cursor = map.querySelector("#cursor");
        this.pick = pick;
        this.places = [];
        map.addEventListener("pointermove", (event) => this.point(event));
        map.addEventListener("pointerleave", () => {
            this.mark(null);
            pick.hover(null);
        });
        this.tiles.addEventListener("focusin", (event) => pick.hover(event.target.node));
        this.tiles.addEventListener("click", (event) => {
            const tile = event.target.closest("button");
            if (tile) pick.open(tile.node, event.detail === 0);
        });
    }

    // `from` is the node that was shown before, for an animation.
    show(node, view, from = null) {
        const old = from && copyOf(this.canvas);
        const inwards = from && pathTo(node).includes(from);
        const entered = inwards ? this.rectangleOf(node) : null;
        const { clientWidth: w, clientHeight: h } = this.map;
        this.places = arrange(node, { x: 0, y: 0, w, h });
        this.view = view;
        this.paint(w, h);
        this.lay(node);
        this.mark(null);
        const rectangle = inwards ? entered : from && this.rectangleOf(from);
        this.stop?.();
        if (rectangle) this.stop = animate(this.map, this.canvas, { old, rectangle, inwards });
    }

    paint(w, h) {
        const ratio = devicePixelRatio || 1;
        this.canvas.width = Math.round(w * ratio);
        this.canvas.height = Math.round(h * ratio);
        const pen = this.canvas.getContext("2d");
        pen.scale(ratio, ratio);
        const style = getComputedStyle(document.documentElement);
        const colour = (name) => style.getPropertyValue(`--${name}`).trim();
        const ink = {
            text: colour("ink"),
            edge: colour("edge"),
            box: colour("surface"),
            hatch: colour("hatch"),
            font: colour("sans"),
        };
        const fills = Array.from({ length: 10 }, (_, kind) => colour(`k${kind}`));
        for (const place of this.places) paintPlace(pen, place, ink, fills);
    }

    lay(node) {
        const outer = this.places.filter(
            (place) => place.level === 1 && place.w >= LEAST_TILE && place.h >= LEAST_TILE,
        );
        const buttons = outer
            .slice(0, MOST_TILES)
            .map((place, number) => tileOf(place, number, this));
        this.tiles.replaceChildren(...buttons);
        this.map.setAttribute("aria-label", `Map of ${node.label}`);
        this.map.querySelector("#nothing").hidden = this.places.length > 0;
    }

    focus(node) {
        const buttons = [...this.tiles.children];
        const wanted = buttons.find((button) => button.node === node) ?? buttons[0];
        if (!wanted) return;
        this.rove(wanted);
        wanted.focus({ preventScroll: true });
    }

    rove(wanted) {
        for (const button of this.tiles.children) button.tabIndex = button === wanted ? 0 : -1;
    }

    // Focus the nearest tile in a direction; distance from the axis counts double.
    step(direction) {
        const here = document.activeElement;
        if (here?.parentElement !== this.tiles) return this.focus(null);
        const [dx, dy] = direction;
        const middle = (p) => [p.x + p.w / 2, p.y + p.h / 2];
        const [x, y] = middle(here.place);
        let best = null;
        let least = Infinity;
        for (const button of this.tiles.children) {
            const [u, v] = middle(button.place);
            const along = (u - x) * dx + (v - y) * dy;
            const aside = Math.abs((u - x) * dy) + Math.abs((v - y) * dx);
            const far = along + 2 * aside;
            if (along > 1 && far < least) [best, least] = [button, far];
        }
        if (best) this.focus(best.node);
    }

    point(event) {
        const box = this.map.getBoundingClientRect();
        const x = event.clientX - box.left;
        const y = event.clientY - box.top;
        const place = this.places.findLast(
            (p) => x >= p.x && x < p.x + p.w && y >= p.y && y < p.y + p.h,
        );
        if (place === this.marked) return;
        this.mark(place);
        this.pick.hover(place ? place.node : null);
    }

    mark(place) {
        this.marked = place;
        this.cursor.style.display = place ? "block" : "none";
        if (place) setBox(this.cursor, this.map, place);
    }

    rectangleOf(node) {
        const way = pathTo(node);
        return this.places.findLast((place) => way.includes(place.node));
    }
}

// In percent of the map, so that the tiles stay aligned when its width changes, as in print.
function setBox(element, map, { x, y, w, h }) {
    const across = (length) => `${(100 * length) / map.clientWidth}%`;
    const down = (length) => `${(100 * length) / map.clientHeight}%`;
    Object.assign(element.style, {
        left: across(x),
        top: down(y),
        width: across(w),
        height: down(h),
    });
}

function tileOf(place, number, { map, view }) {
    const { node } = place;
    const button = document.createElement("button");
    button.type = "button";
    button.node = node;
    button.place = place;
    button.tabIndex = number ? -1 : 0;
    button.classList.toggle("leaf", !node.kids);
    button.classList.toggle("removed", isRemoved(node));
    button.setAttribute("aria-label", description(node, view));
    setBox(button, map, {
        x: place.x + SPACE,
        y: place.y + SPACE,
        w: place.w - 2 * SPACE,
        h: place.h - 2 * SPACE,
    });
    if (place.w > 34 && place.h > 20 && (place.headed || !place.open)) {
        const line = document.createElement("span");
        line.append(
            element("b", node.label),
            ...(place.w > 120 ? [element("small", size(node.value))] : []),
        );
        button.append(line);
    }
    return button;
}
