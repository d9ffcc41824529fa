/**
 * A list that is fetched whole and then kept up to date by pushes.
 *
 * Pushes that arrive while a fetch is under way may be newer or older than what it will bring. They are applied
 * at once, kept, and applied again on top of what was fetched: the last push about an item always decides.
 */
export interface LiveList<T extends Item> {
  /** Null until first fetched. */
  readonly items: readonly T[] | null;
  /** Pushes since the fetch under way began; null while there is none. */
  readonly changes: readonly Change<T>[] | null;
}

interface Item {
  readonly id: string;
}

type Change<T> =
  { readonly kind: 'added'; readonly item: T } | { readonly kind: 'removed'; readonly id: string };

/** A list of which nothing is known. */
export const UNKNOWN: LiveList<never> = { items: null, changes: null };

/** A fetch begins. */
export function asked<T extends Item>(list: LiveList<T>): LiveList<T> {
  return { ...list, changes: [] };
}

/** What was fetched. */
export function fetched<T extends Item>(list: LiveList<T>, items: readonly T[]): LiveList<T> {
  return { items: (list.changes ?? []).reduce(changed, items), changes: null };
}

/** A push says that the item is there. A new one comes first. */
export function added<T extends Item>(list: LiveList<T>, item: T): LiveList<T> {
  return pushed(list, { kind: 'added', item });
}

/** A push says that the item is gone. */
export function removed<T extends Item>(list: LiveList<T>, id: string): LiveList<T> {
  return pushed(list, { kind: 'removed', id });
}

/** Whether the item is known to be there. */
export function has(list: LiveList<Item>, id: string): boolean {
  return list.items?.some((item) => item.id === id) ?? false;
}

function pushed<T extends Item>(list: LiveList<T>, change: Change<T>): LiveList<T> {
  return {
    items: list.items && changed(list.items, change),
    changes: list.changes && [...list.changes, change],
  };
}

function changed<T extends Item>(items: readonly T[], change: Change<T>): readonly T[] {
  if (change.kind === 'removed') return items.filter((item) => item.id !== change.id);
  const { item } = change;
  return items.some((other) => other.id === item.id)
    ? items.map((other) => (other.id === item.id ? item : other))
    : [item, ...items];
}
