'use strict';
// The data is a list of rules [principal, server, names, need], each a place in one of the other lists.
const data = JSON.parse(document.getElementById('data').textContent);
const byId = id => document.getElementById(id);
const MOST = 100;

// Everything is put in as text, so that no name is ever taken for markup.
function element(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function option(select, words) {
  for (const word of [...new Set(words.filter(Boolean))].sort()) {
    const made = element('option', word);
    made.value = word;
    select.append(made);
  }
}

const names = rule => data.names[rule[2]];
const place = server => [server.class && `class ${server.class}`, server.unit, server.location].filter(Boolean).join(', ');

function calls(rules, wanted) {
  const list = element('ul');
  for (const rule of rules) {
    const found = wanted ? names(rule).filter(name => name.toLowerCase().includes(wanted)) : names(rule);
    const shown = found.length ? found : names(rule);
    const item = element('li');
    item.append(element('code', shown.slice(0, 30).join(', ')));
    const more = shown.length > 30 ? ` and ${shown.length - 30} more` : '';
    item.append(`${more}: needs ${data.needs[rule[3]]}`);
    list.append(item);
  }
  return list;
}

// Rules by principal and server, in the order of the workspace.
function pairs(rules) {
  const found = new Map();
  for (const rule of rules) {
    const key = `${rule[0]} ${rule[1]}`;
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(rule);
  }
  return [...found.values()];
}

function card(rules, wanted, withWay) {
  const who = data.principals[rules[0][0]], whom = data.servers[rules[0][1]];
  const made = element('article');
  const way = withWay && whom.by.length ? ` → ${whom.by.map(name => `gateway ${name}`).join(' → ')}` : '';
  made.append(element('h3', `${who.name}${way} → ${whom.name}`, 'way'));
  const place_ = place(whom);
  if (place_) made.append(element('p', place_, 'soft'));
  if (withWay && !whom.by.length) made.append(element('p', 'No gateway leads there.', 'soft'));
  made.append(calls(rules, wanted));
  return made;
}

function show(where, cards, count) {
  where.replaceChildren(...cards);
  if (count > cards.length) where.append(element('p', `${count - cards.length} more; narrow the search to see them.`, 'soft'));
}

function find() {
  const who = byId('who').value.trim(), of = byId('class').value;
  const where = byId('ways');
  if (!who) return show(where, [], 0);
  const principal = data.principals.findIndex(one => one.name === who);
  if (principal < 0) return show(where, [element('p', 'No principal has this name.', 'soft')], 0);
  const fits = server => !of || data.servers[server].class === of;
  const found = pairs(data.rules.filter(rule => rule[0] === principal && fits(rule[1])));
  if (found.length) return show(where, found.slice(0, MOST).map(rules => card(rules, '', true)), found.length);
  const what = of ? `data of class ${of}` : 'any server';
  const nobody = element('article', undefined, 'none');
  nobody.append(element('p', `${who} cannot reach ${what}.`));
  const others = [...new Set(data.rules.filter(rule => fits(rule[1])).map(rule => data.principals[rule[0]].name))];
  if (others.length) nobody.append(element('p', `These can: ${others.slice(0, 30).join(', ')}${others.length > 30 ? ` and ${others.length - 30} more` : ''}.`, 'soft'));
  show(where, [nobody], 0);
}

function search() {
  const wanted = byId('text').value.trim().toLowerCase();
  const [unit, of, kind] = ['unit', 'of', 'kind'].map(id => byId(id).value);
  const found = pairs(data.rules.filter(rule => {
    const who = data.principals[rule[0]], whom = data.servers[rule[1]];
    if (unit && whom.unit !== unit) return false;
    if (of && whom.class !== of) return false;
    if (kind && who.kind !== kind) return false;
    if (!wanted) return true;
    return [who.name, whom.name, data.needs[rule[3]], ...names(rule)].some(text => text.toLowerCase().includes(wanted));
  }));
  byId('count').textContent = `${found.length} pair${found.length === 1 ? '' : 's'} of principal and server`;
  show(byId('found'), found.slice(0, MOST).map(rules => card(rules, wanted, false)), found.length);
}

const classes = data.servers.map(server => server.class);
option(byId('class'), classes);
option(byId('of'), classes);
option(byId('unit'), data.servers.map(server => server.unit));
option(byId('kind'), data.principals.map(one => one.kind));
option(byId('known'), data.principals.map(one => one.name));
for (const id of ['who', 'class']) byId(id).addEventListener('input', find);
for (const id of ['text', 'unit', 'of', 'kind']) byId(id).addEventListener('input', search);
for (const form of document.forms) form.addEventListener('submit', event => event.preventDefault());
search();
