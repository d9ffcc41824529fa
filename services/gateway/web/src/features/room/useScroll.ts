import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { RefObject } from 'react';

/** Pixels from the end that still count as being there. */
const NEAR = 48;

/** What the reader looks at: an element and where it is in the box. */
interface Anchor {
  readonly element: Element;
  readonly top: number;
}

/** A growing list: `box` scrolls, the children of `list` are the items. */
interface Scroll {
  readonly box: RefObject<HTMLDivElement | null>;
  readonly list: RefObject<HTMLOListElement | null>;
  /** The reader is at the end. */
  readonly atEnd: boolean;
  /** Takes them there. */
  readonly toEnd: () => void;
}

/**
 * Keeps a growing list at its end while the reader is there, and in place while they are not, whatever is added
 * before or after what they look at. (Browsers' own scroll anchoring does part of this, and not all have it.)
 *
 * `items` changes whenever the list does.
 */
export function useScroll(items: unknown): Scroll {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const following = useRef(true);
  const anchor = useRef<Anchor | null>(null);

  const remember = useCallback(() => {
    anchor.current =
      box.current && list.current && !following.current
        ? firstVisible(box.current, list.current)
        : null;
  }, []);

  const settle = useCallback(() => {
    const element = box.current;
    if (element === null) return;
    if (following.current) {
      element.scrollTop = element.scrollHeight;
    } else if (anchor.current?.element.isConnected === true) {
      element.scrollTop += topIn(element, anchor.current.element) - anchor.current.top;
    }
    remember();
  }, [remember]);

  useLayoutEffect(settle, [settle, items]);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const onScroll = () => {
      following.current = element.scrollHeight - element.scrollTop - element.clientHeight <= NEAR;
      setAtEnd(following.current);
      remember();
    };
    element.addEventListener('scroll', onScroll, { passive: true });
    const resized = new ResizeObserver(settle);
    resized.observe(element);
    if (list.current !== null) resized.observe(list.current);
    return () => {
      element.removeEventListener('scroll', onScroll);
      resized.disconnect();
    };
  }, [remember, settle]);

  const toEnd = useCallback(() => {
    following.current = true;
    setAtEnd(true);
    settle();
  }, [settle]);

  return { box, list, atEnd, toEnd };
}

/** The first item of which something shows; the items are in order, so halving finds it. */
function firstVisible(box: HTMLElement, list: HTMLElement): Anchor | null {
  const items = list.children;
  const edge = box.getBoundingClientRect().top;
  let low = 0;
  let high = items.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.getBoundingClientRect().bottom ?? 0) > edge) high = middle;
    else low = middle + 1;
  }
  const element = items[low];
  return element === undefined ? null : { element, top: topIn(box, element) };
}

function topIn(box: HTMLElement, element: Element): number {
  return element.getBoundingClientRect().top - box.getBoundingClientRect().top;
}
