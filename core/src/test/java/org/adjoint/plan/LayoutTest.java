package org.adjoint.plan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.junit.jupiter.api.Test;

class LayoutTest {
    private static Layout windows(Layout layout, int axis, long size, long step, long dilation, long count) {
        long[] extents = new long[layout.shape().rank() + 1];
        System.arraycopy(layout.shape().toArray(), 0, extents, 0, layout.shape().rank());
        extents[axis] = count;
        extents[layout.shape().rank()] = size;
        return layout.windows(new Op.Windows(axis, size, step, dilation), Shape.of(extents));
    }

    @Test
    void windowsAreStrides() {
        Layout layout = windows(Layout.contiguous(Shape.of(3, 13)), 1, 3, 2, 4, 3);
        assertEquals(Shape.of(3, 3, 3), layout.shape());
        assertArrayEquals(new long[] {13, 2, 4}, layout.strides());
    }

    /** What is taken for every element of a value must not be some of them more than once. */
    @Test
    void windowsMayOverlap() {
        Layout whole = Layout.contiguous(Shape.of(4, 6));
        assertFalse(whole.mayOverlap());
        assertFalse(whole.permute(List.of(1, 0)).mayOverlap());
        assertFalse(Layout.contiguous(Shape.of(4, 1)).expand(Shape.of(4, 6)).mayOverlap());
        assertFalse(whole.slice(List.of(3L, 5L), List.of(-1L, -2L), Shape.of(4, 3)).mayOverlap());
        assertFalse(windows(whole, 1, 2, 2, 1, 3).mayOverlap());
        assertFalse(windows(whole, 1, 2, 1, 3, 3).mayOverlap());
        assertTrue(windows(whole, 1, 2, 1, 1, 5).mayOverlap());
        // Twelve of the twelve elements, but not each of them.
        Layout some = windows(Layout.contiguous(Shape.of(3, 4)), 0, 2, 1, 1, 2)
            .slice(List.of(0L, 0L, 0L), List.of(1L, 1L, 1L), Shape.of(2, 3, 2));
        assertEquals(12, some.shape().elements());
        assertTrue(some.mayOverlap());
        assertTrue(some.distinctElements() < 12);
    }
}
