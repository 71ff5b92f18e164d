package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What sorting and indexing mean, by examples worked out from PyTorch's documentation. */
class SortingTest {
    private static final float NAN = Float.NaN;

    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    private Tensor indices(long... values) {
        return device.tensor(values, values.length);
    }

    private static void assertValues(Tensor tensor, double... expected) {
        assertArrayEquals(expected, tensor.toDoubleArray());
    }

    @Test
    void nanIsGreatestAndTiesStayInOrder() {
        Tensor x = device.tensor(new float[] {2, NAN, 1, 2, -1, NAN, 1}, 7);
        assertValues(x.argsort(0), 4, 2, 6, 0, 3, 1, 5);
        assertValues(x.argsort(0, true), 1, 5, 0, 3, 2, 6, 4);
        assertValues(x.sort(0), -1, 1, 1, 2, 2, NAN, NAN);
        assertValues(device.tensor(new float[] {0, -0f, 0, -1}, 4).argsort(0), 3, 0, 1, 2);
    }

    @Test
    void selections() {
        Tensor x = device.tensor(new float[] {3, 1, 2, 9, 7, 8}, 2, 3);
        Selection top = x.topK(2, 1);
        assertValues(top.values(), 3, 2, 9, 8);
        assertValues(top.indices(), 0, 2, 0, 2);
        assertValues(x.topK(1, 0, false).values(), 3, 1, 2);
        Selection second = x.kthValue(2, 1);
        assertEquals(Shape.of(2), second.values().shape());
        assertValues(second.values(), 2, 8);
        assertValues(second.indices(), 2, 2);
        // Of an even number, the lower one; of any NaN, NaN.
        assertValues(device.tensor(new float[] {4, 1, 3, 2}, 4).median(0).values(), 2);
        Selection median = device.tensor(new float[] {4, NAN, 3}, 3).median(0);
        assertValues(median.values(), NAN);
        assertValues(median.indices(), 1);
    }

    @Test
    void theLastUpdateWinsAndAloneGetsTheGradient() {
        Tensor x = device.tensor(new float[] {1, 2, 3}, 3);
        Tensor updates = device.tensor(new float[] {10, 20, 30, 40}, 4);
        Tensor y = x.scatter(0, indices(0, 2, 0, 2), updates);
        assertValues(y, 30, 2, 40);
        Tensor loss = y.mul(device.tensor(new float[] {5, 6, 7}, 3)).sum();
        assertValues(loss.gradient(x), 0, 6, 0);
        assertValues(loss.gradient(updates), 0, 0, 5, 7);
        assertValues(x.scatterMax(0, indices(0, 2, 0, 2), device.tensor(new float[] {0, 5, -1, 4}, 4)), 1, 2, 5);
        assertValues(x.scatterMin(0, indices(0, 2, 0, 2), device.tensor(new float[] {0, 5, -1, NAN}, 4)), -1, 2, NAN);
    }

    /** PyTorch: scatter_reduce, "amax", "amin" and "mean". */
    @Test
    void updatesThatTieShareTheGradient() {
        Tensor x = device.tensor(new float[] {4, 5, 1, NAN}, 4);
        Tensor updates = device.tensor(new float[] {4, 5, 5, 4, 4, 2, NAN}, 7);
        Tensor indices = indices(0, 1, 1, 1, 0, 2, 2);
        Tensor weights = device.tensor(new float[] {6, 9, 8, 7}, 4);
        Tensor most = x.scatterMax(0, indices, updates);
        assertValues(most, 4, 5, NAN, NAN);
        assertValues(most.mul(weights).sum().gradient(x), 2, 3, 0, 0);
        assertValues(most.mul(weights).sum().gradient(updates), 2, 3, 3, 0, 2, 0, 0);
        Tensor least = x.scatterMin(0, indices, updates);
        assertValues(least, 4, 4, NAN, NAN);
        assertValues(least.mul(weights).sum().gradient(updates), 2, 0, 0, 9, 2, 0, 0);
        Tensor mean = x.scatterMean(0, indices, updates);
        assertValues(mean, 4, 4.75f, NAN, NAN);
        assertValues(mean.mul(weights).sum().gradient(updates), 2, 2.25f, 2.25f, 2.25f, 2, 8 / 3f, 8 / 3f);
    }

    @Test
    void slicesByIndex() {
        Tensor x = device.tensor(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
        assertValues(x.indexSelect(1, indices(2, 0, 2)), 3, 1, 3, 6, 4, 6);
        assertValues(x.take(indices(5, 0)), 6, 1);
        assertValues(x.indexAdd(1, indices(0, 0), device.tensor(new float[] {10, 20, 30, 40}, 2, 2)),
            31, 2, 3, 74, 5, 6);
        assertValues(indices(1, 0).oneHot(3), 0, 1, 0, 1, 0, 0);
        assertEquals(DType.I64, indices(1, 0).oneHot(3).dtype());
        assertValues(x.maskedFill(x.greaterThan(4), 0), 1, 2, 3, 4, 0, 0);
    }

    @Test
    void searchesInSortedSequences() {
        Tensor sorted = device.tensor(new float[] {1, 3, 5, 7, 9}, 5);
        Tensor values = device.tensor(new float[] {3, 6, 9, 0, 10, NAN}, 2, 3);
        assertValues(sorted.searchSorted(values, false), 1, 3, 4, 0, 5, 5);
        assertValues(sorted.searchSorted(values, true), 2, 3, 5, 0, 5, 5);
        assertValues(values.bucketize(sorted, false), 1, 3, 4, 0, 5, 5);
        Tensor batch = device.tensor(new float[] {1, 2, 3, 10, 20, NAN}, 2, 3);
        assertValues(batch.searchSorted(device.tensor(new float[] {2, NAN}, 2, 1), false), 1, 2);
    }

    @Test
    void shapesThatDependOnValues() {
        Tensor x = device.tensor(new float[] {2, 0, 1, 0, 2, 3}, 2, 3);
        assertValues(x.maskedSelect(x.greaterThan(1)), 2, 2, 3);
        Tensor nonzero = x.nonzero();
        assertEquals(Shape.of(4, 2), nonzero.shape());
        assertValues(nonzero, 0, 0, 0, 2, 1, 1, 1, 2);
        UniqueElements unique = x.unique();
        assertValues(unique.values(), 0, 1, 2, 3);
        assertEquals(Shape.of(2, 3), unique.inverse().shape());
        assertValues(unique.inverse(), 2, 0, 1, 0, 2, 3);
        assertValues(unique.counts(), 2, 1, 2, 1);
        assertValues(device.tensor(new float[] {NAN, 1, NAN}, 3).unique().values(), 1, NAN, NAN);
        assertValues(x.maskedSelect(x.greaterThan(1)).square().sum().gradient(x), 4, 0, 0, 0, 4, 6);
    }

    @Test
    void aTracedFunctionIsToldWhatToDoInstead() {
        Tensor x = device.tensor(new float[] {1, 2}, 2);
        try (Step step = Step.compile(device, t -> t.maskedSelect(t.greaterThan(1)))) {
            assertEquals("maskedSelect: the shape of the result depends on values, and a traced function has none yet, "
                + "it runs once to record what is to be computed: give other elements no weight with where() or "
                + "maskedFill(), or do this in eager code",
                assertThrows(IllegalStateException.class, () -> step.run(x)).getMessage());
        }
    }
}
