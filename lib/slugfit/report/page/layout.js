// Squarified treemap (Bruls, Huizing, van Wijk): rows along the shorter side, near to square.

function squarify(nodes, box) {
    const found = [];
    let { x, y, w, h } = box;
    let left = nodes.reduce((sum, node) => sum + node.value, 0);
    for (let start = 0; start < nodes.length;) {
        const side = Math.min(w, h);
        const scale = (w * h) / left;
        let [end, sum, worst] = [start, 0, Infinity];
        for (; end < nodes.length; end += 1) {
            const area = sum + nodes[end].value * scale;
            const ratio = Math.max(
                (side * side * nodes[start].value * scale) / (area * area),
                (area * area) / (side * side * nodes[end].value * scale),
            );
            if (ratio > worst) break;
            worst = ratio;
            sum = area;
        }
        const depth = side > 0 ? sum / side : 0;
        let at = 0;
        for (const node of nodes.slice(start, end)) {
            const length = sum > 0 ? side * ((node.value * scale) / sum) : 0;
            found.push(
                w >= h
                    ? { node, x, y: y + at, w: depth, h: length }
                    : { node, x: x + at, y, w: length, h: depth },
            );
            at += length;
            left -= node.value;
        }
        if (w >= h) {
            x += depth;
            w -= depth;
        } else {
            y += depth;
            h -= depth;
        }
        start = end;
    }
    return found;
}

// Pixels: the height of a name, the gap around contents, and the minimum size to show contents.
const [HEAD, GAP, LEAST] = [21, 2, 5];

// The rectangles to paint, outer ones first. `level` is 1 for direct children of `node`.
function arrange(node, box, level = 1) {
    const found = [];
    for (const place of squarify(node.shown, box)) {
        place.level = level;
        const headed = place.w > 46 && place.h > 40 && level < 4;
        found.push(place);
        if (!place.node.kids || place.w < LEAST || place.h < LEAST) continue;
        const head = headed ? HEAD : GAP;
        const inner = {
            x: place.x + GAP,
            y: place.y + head,
            w: place.w - 2 * GAP,
            h: place.h - head - GAP,
        };
        if (inner.w < LEAST || inner.h < LEAST) continue;
        place.open = true;
        place.headed = headed;
        found.push(...arrange(place.node, inner, level + 1));
    }
    return found;
}
