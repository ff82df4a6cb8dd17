// Helpers of the ECMAScript data model. Evaluates to a function that installs the global names of a session and
// returns what the Rust side calls. Nothing else in here is visible to scripts.
(function (isIn, ors, log, raise) {
  'use strict';
  const G = globalThis;
  const globalEval = G.eval;
  const define = Object.defineProperty;
  const hasOwn = Object.prototype.hasOwnProperty;
  const freeze = Object.freeze;
  const isArray = Array.isArray;
  const systemNames = new Set(['_event', '_sessionid', '_name', '_ioprocessors', 'In']);
  // The expression for all of Unicode takes the engine longer to build than everything else here.
  const RegExp = G.RegExp;
  const asciiIdentifier = /^[A-Za-z_$][\w$]*$/;
  const test = Function.prototype.call.bind(asciiIdentifier.test);
  let unicodeIdentifier;
  const hiddenXml = Symbol('xml');
  let compiled = new Map();
  let currentEvent;
  const loops = [];
  const dataItems = {};

  function compile(kind, text, source) {
    const key = kind + text;
    let f = compiled.get(key);
    if (f === undefined) {
      f = globalEval(source);
      if (compiled.size >= 4096) compiled = new Map();
      compiled.set(key, f);
    }
    return f;
  }

  function evaluate(expr) {
    return compile('e', expr, '(function(){return (\n' + expr + '\n)})').call(G);
  }

  function write(location, value) {
    const source = '(function($scxml_value){"use strict";(' + location + '\n) = $scxml_value;})';
    compile('w', location, source).call(G, value);
  }

  function isIdentifier(name) {
    if (test(asciiIdentifier, name)) return true;
    unicodeIdentifier ??= new RegExp('^[\\p{ID_Start}$_][\\p{ID_Continue}$]*$', 'u');
    return test(unicodeIdentifier, name);
  }

  function checkName(name) {
    if (!isIdentifier(name)) throw new SyntaxError(name + ' is not a legal name');
    if (systemNames.has(name)) throw new TypeError(name + ' is a system variable');
    globalEval('(function(){var ' + name + ';})');
  }

  function declare(name) {
    checkName(name);
    if (!hasOwn.call(G, name)) define(G, name, { value: undefined, writable: true, enumerable: true, configurable: true });
    else G[name] = undefined;
    if (ors && !hasOwn.call(dataItems, name)) {
      define(dataItems, name, {
        get: () => G[name], set: (v) => { G[name] = v; }, enumerable: true, configurable: true,
      });
    }
  }

  function setSystem(name, value) {
    systemNames.add(name);
    define(G, name, { value, writable: false, enumerable: true, configurable: false });
  }

  function setEvent(name, type, sendid, origin, origintype, invokeid, data, raw) {
    if (currentEvent === undefined) {
      define(G, '_event', { get: () => currentEvent, enumerable: true, configurable: false });
    }
    currentEvent = freeze({ name, type, sendid, origin, origintype, invokeid, data, raw });
  }

  function beginLoop(array, item, index) {
    const items = evaluate(array);
    if (!isArray(items)) throw new TypeError('not an array');
    checkName(item);
    if (!hasOwn.call(G, item)) declare(item);
    if (index !== undefined) {
      checkName(index);
      if (!hasOwn.call(G, index)) declare(index);
    }
    loops.push({ items: items.slice(), item, index });
    return items.length;
  }

  function loopItem(i) {
    const loop = loops[loops.length - 1];
    G[loop.item] = loop.items[i];
    if (loop.index !== undefined) G[loop.index] = i;
  }

  function hostSlot(path) {
    const names = path.split('.');
    const leaf = names.pop();
    let at = G;
    for (const name of names) {
      if (!hasOwn.call(at, name)) {
        define(at, name, { value: {}, writable: false, enumerable: true, configurable: false });
      }
      at = at[name];
    }
    return [at, leaf];
  }

  function setHost(path, value) {
    const [at, leaf] = hostSlot(path);
    if (at === G) systemNames.add(leaf);
    define(at, leaf, { value, writable: false, enumerable: true, configurable: true });
  }

  function setHostFunction(path, native) {
    setHost(path, (...args) => native(exportForm, buildXml, ...args));
  }

  // Inline XML: a small part of DOM level 1, read only.
  class XmlNode {
    getAttribute(name) { return hasOwn.call(this.attributes, name) ? this.attributes[name] : ''; }
    hasAttribute(name) { return hasOwn.call(this.attributes, name); }
    getElementsByTagName(name) {
      const found = [];
      const walk = (node) => {
        for (const child of node.childNodes) {
          if (child.nodeType === 1) {
            if (name === '*' || child.tagName === name) found.push(child);
            walk(child);
          }
        }
      };
      walk(this);
      return found;
    }
    get documentElement() { return this; }
    get firstChild() { return this.childNodes[0] || null; }
    get lastChild() { return this.childNodes[this.childNodes.length - 1] || null; }
    get textContent() {
      if (this.nodeType === 3) return this.nodeValue;
      return this.childNodes.map((child) => child.textContent).join('');
    }
  }

  function buildNode(tree, parent) {
    const node = new XmlNode();
    define(node, 'parentNode', { value: parent });
    if (typeof tree === 'string') {
      node.nodeType = 3;
      node.nodeName = '#text';
      node.nodeValue = tree;
      node.attributes = {};
      node.childNodes = [];
    } else {
      node.nodeType = 1;
      node.nodeName = node.tagName = tree.name;
      node.nodeValue = null;
      node.attributes = tree.attributes;
      node.childNodes = tree.children.map((child) => buildNode(child, node));
      node.childNodes.forEach((child, i) => define(child, 'nextSibling', { value: node.childNodes[i + 1] || null }));
    }
    return node;
  }

  function buildXml(tree, text) {
    const node = buildNode(tree, null);
    define(node, hiddenXml, { value: text });
    return node;
  }

  // What an object becomes when it is copied out: XML text, the result of toJSON, or itself.
  function exportForm(object) {
    const text = object[hiddenXml];
    if (text !== undefined) return { xml: text };
    if (typeof object.toJSON === 'function') return { plain: object.toJSON() };
    return undefined;
  }

  function toSource(value, depth) {
    if (depth > 50) return 'null';
    if (value === undefined) return '(void 0)';
    if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
    if (typeof value === 'string') return JSON.stringify(value);
    if (typeof value === 'function') return '(' + String(value) + ')';
    if (value instanceof Date) return '(new Date(' + value.getTime() + '))';
    if (value instanceof RegExp) return String(value);
    if (value instanceof String) return '(new String(' + JSON.stringify(String(value)) + '))';
    if (value instanceof Number) return '(new Number(' + Number(value) + '))';
    if (value instanceof Boolean) return '(new Boolean(' + value.valueOf() + '))';
    if (isArray(value)) return '[' + value.map((v) => toSource(v, depth + 1)).join(', ') + ']';
    const members = Object.keys(value).map((key) => {
      const name = /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
      return name + ':' + toSource(value[key], depth + 1);
    });
    const text = '{' + members.join(', ') + '}';
    return depth === 0 ? '(' + text + ')' : text;
  }

  define(G, 'In', { value: (id) => isIn(String(id)), writable: false, enumerable: false, configurable: false });
  if (ors) {
    setSystem('_data', dataItems);
    systemNames.delete('_data');
    define(Object.prototype, 'toSource', {
      value: function () { return toSource(this, 0); }, writable: true, enumerable: false, configurable: true,
    });
    define(G, 'uneval', { value: (v) => toSource(v, 0), writable: true, enumerable: false, configurable: true });
    G.__Log = (text, label, level) => log(String(text), label === undefined ? '' : String(label), Number(level) | 0);
    G.__Raise = (name, params) => raise(exportForm, String(name), params);
    for (const name of ['__Log', '__Raise']) define(G, name, { writable: false, enumerable: false });
  }

  return {
    evaluate, truth: (expr) => !!evaluate(expr), assign: (location, expr) => write(location, evaluate(expr)), write,
    declare, setSystem, setEvent, beginLoop, loopItem, endLoop: () => { loops.pop(); }, setHost, setHostFunction, buildXml, exportForm,
    parse: JSON.parse,
  };
})
