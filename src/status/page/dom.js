// SPDX-License-Identifier: MIT
// Makes elements. What comes from the daemon, and so from anybody, only ever becomes text.

const svgNamespace = 'http://www.w3.org/2000/svg';

/** @param {string} id */
export const byId = (id) => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (
    child instanceof Node ? child : String(child))));
  return element;
}

/** An element with attributes and children: nodes, or text. null and undefined are left out. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function makeSvg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(svgNamespace, tag), attributes, children);
}

/** Sets an element's text, where it is another: what did not change is not announced again. */
export function setText(element, text) {
  const wanted = String(text);
  if (element.textContent !== wanted) {
    element.textContent = wanted;
  }
}

/** A table row of <td>s; a child that is a cell already stays as it is. */
export function makeRow(...cells) {
  return make('tr', {}, ...cells.map((cell) => (
    cell instanceof HTMLTableCellElement ? cell : make('td', {}, cell))));
}

/** A table with a caption for those who can't see what is around it. */
export function makeTable(caption, headings, rows) {
  return make('table', {},
    make('caption', { class: 'hidden' }, caption),
    make('thead', {}, make('tr', {}, ...headings.map((heading) => (
      heading instanceof Node ? heading : make('th', { scope: 'col' }, heading))))),
    make('tbody', {}, ...rows));
}

/** A list of what is so: pairs of a word and a value. */
export function makeFacts(facts) {
  return make('dl', { class: 'facts' }, ...facts.map(([name, value]) => (
    make('div', {}, make('dt', {}, name), make('dd', {}, value)))));
}
