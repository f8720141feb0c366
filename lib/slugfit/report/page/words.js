// Formats numbers and names. Data is inserted as text, never as markup.

const byId = (id) => document.getElementById(id);

function size(bytes) {
    if (bytes < 1000) return `${bytes} B`;
    for (const unit of ["KB", "MB"]) {
        bytes /= 1000;
        if (bytes < 999.95) return `${bytes.toFixed(1)} ${unit}`;
    }
    return `${(bytes / 1000).toFixed(2)} GB`;
}

const count = (number, noun, plural = `${noun}s`) =>
    `${number.toLocaleString("en")} ${number === 1 ? noun : plural}`;

function percent(part, whole) {
    if (!whole || !part) return "0%";
    const share = (100 * part) / whole;
    return share < 0.1 ? "< 0.1%" : `${share.toFixed(share < 10 ? 1 : 0)}%`;
}

function element(name, text, attributes = {}) {
    const made = document.createElement(name);
    made.textContent = text ?? "";
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
}

function description(node, view) {
    const whole = node.parent ? node.parent.value : node.value;
    const parts = [node.label, size(node.value), percent(node.value, whole)];
    if (node.kids) parts.push(count(node[view.moment].files, "file"));
    if (isRemoved(node)) parts.push("removed");
    return parts.join(", ");
}
