import { memo, useMemo } from 'react';
import { CELLS, drawingOf, initialOf } from './avatar';

/** Pixels of the drawing's own grid per cell. */
const CELL = 8;
const SIZE = CELLS * CELL;

/** A picture for a person. Decoration: their name is always beside it. */
export const Avatar = memo(function Avatar({ id, name }: { id: string; name: string }) {
  const { palette, cells } = useMemo(() => drawingOf(id), [id]);
  return (
    <svg className="avatar" viewBox={`0 0 ${SIZE} ${SIZE}`} aria-hidden="true" focusable="false">
      <rect width={SIZE} height={SIZE} fill={palette.background} />
      <path
        d={cells.map(({ x, y }) => `M${x * CELL} ${y * CELL}h${CELL}v${CELL}h-${CELL}z`).join('')}
        fill={palette.pattern}
      />
      <text
        x="50%"
        y="50%"
        dy="0.36em"
        textAnchor="middle"
        fontSize={SIZE * 0.5}
        fontWeight="650"
        fill={palette.letter}
      >
        {initialOf(name)}
      </text>
    </svg>
  );
});
