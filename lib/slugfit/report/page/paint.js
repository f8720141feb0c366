// Paints one rectangle: its category's colour, hatched if it was removed, and its name.

const SPACE = 1; // pixels between rectangles

function paintPlace(pen, place, ink, fills) {
    const { node, open, level } = place;
    const [x, y] = [place.x + SPACE / 2, place.y + SPACE / 2];
    const [w, h] = [place.w - SPACE, place.h - SPACE];
    if (w <= 0.3 || h <= 0.3) return;
    pen.beginPath();
    if (level < 3 && w > 8 && h > 8) pen.roundRect(x, y, w, h, 4 - level);
    else pen.rect(x, y, w, h);
    pen.fillStyle = open && level < 3 ? ink.box : fills[node.kind];
    pen.fill();
    if (!open && isRemoved(node)) hatch(pen, x, y, w, h, ink.hatch);
    if (w > 6 && h > 6) {
        pen.strokeStyle = ink.edge;
        pen.lineWidth = 1;
        pen.stroke();
    }
    if (level === 1 || w < 44 || h < 15 || (open && !place.headed)) return;
    pen.fillStyle = ink.text;
    pen.font = `${open ? 550 : 400} 12px ${ink.font}`;
    pen.fillText(truncate(pen, node.label, w - 10), x + 5, y + 14.5);
}

function hatch(pen, x, y, w, h, colour) {
    pen.save();
    pen.clip();
    pen.beginPath();
    for (let at = 6 - ((x + y) % 6); at < w + h; at += 6) {
        pen.moveTo(x + at, y);
        pen.lineTo(x + at - h, y + h);
    }
    pen.strokeStyle = colour;
    pen.lineWidth = 1.2;
    pen.stroke();
    pen.restore();
    pen.beginPath();
    pen.rect(x, y, w, h);
}

function truncate(pen, text, width) {
    if (pen.measureText(text).width <= width) return text;
    let low = 0;
    let high = text.length;
    while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (pen.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
        else high = middle - 1;
    }
    return low > 1 ? `${text.slice(0, low)}…` : "";
}
