package org.adjoint;

/**
 * Which elements of an axis are taken, with the meaning of Python's {@code start:stop:step}: positions may count from
 * the end, those beyond an end of the axis stand for that end, and a negative step goes backwards. Immutable.
 *
 * <pre>{@code
 * x.slice(Slice.range(1, -1), Slice.all().step(-2), Slice.at(0))      // x[1:-1, ::-2, 0]
 * }</pre>
 */
public final class Slice {
    private static final Slice ALL = new Slice(null, null, 1, false);

    private final Long start;
    private final Long stop;
    private final long step;
    private final boolean isIndex;

    private Slice(Long start, Long stop, long step, boolean isIndex) {
        this.start = start;
        this.stop = stop;
        this.step = step;
        this.isIndex = isIndex;
    }

    /** {@code :} */
    public static Slice all() {
        return ALL;
    }

    /** {@code start:stop} */
    public static Slice range(long start, long stop) {
        return new Slice(start, stop, 1, false);
    }

    /** {@code start:} */
    public static Slice from(long start) {
        return new Slice(start, null, 1, false);
    }

    /** {@code :stop} */
    public static Slice until(long stop) {
        return new Slice(null, stop, 1, false);
    }

    /** One element; the axis is dropped. It must be there: positions beyond an end are an error. */
    public static Slice at(long index) {
        return new Slice(index, null, 1, true);
    }

    /** Every {@code step}-th element, backwards where it is negative: {@code start:stop:step}. */
    public Slice step(long step) {
        if (step == 0 || step == Long.MIN_VALUE) {
            throw new IllegalArgumentException("slice: the step must not be " + step);
        }
        if (isIndex) {
            throw new IllegalArgumentException("slice: " + this + " is one element and takes no step");
        }
        return new Slice(start, stop, step, false);
    }

    /** Whether the axis is dropped. */
    boolean isIndex() {
        return isIndex;
    }

    long step() {
        return step;
    }

    /** The first element of an axis of this extent; 0 where none is taken. */
    long first(int axis, long extent) {
        if (isIndex) {
            long index = start < 0 ? start + extent : start;
            if (index < 0 || index >= extent) {
                throw new IllegalArgumentException("slice: index " + start + " is out of range for axis " + axis
                    + ", which has "
                    + extent + " elements");
            }
            return index;
        }
        return count(axis, extent) == 0 ? 0 : bounded(start, step > 0 ? 0 : extent - 1, extent);
    }

    /** How many elements of an axis of this extent are taken. */
    long count(int axis, long extent) {
        if (isIndex) {
            return 1;
        }
        long first = bounded(start, step > 0 ? 0 : extent - 1, extent);
        long end = bounded(stop, step > 0 ? extent : -1, extent);
        long span = step > 0 ? end - first : first - end;
        return Math.max(0, Math.ceilDiv(span, Math.abs(step)));
    }

    /**
     * A position of an axis, or of the place before its first or behind its last element where that is where one
     * stops.
     */
    private long bounded(Long position, long missing, long extent) {
        if (position == null) {
            return missing;
        }
        long counted = position < 0 ? position + extent : position;
        return step > 0 ? Math.clamp(counted, 0, extent) : Math.clamp(counted, -1, extent - 1);
    }

    /** As Python writes it. */
    @Override
    public String toString() {
        if (isIndex) {
            return start.toString();
        }
        return (start == null ? "" : start) + ":" + (stop == null ? "" : stop) + (step == 1 ? "" : ":" + step);
    }
}
