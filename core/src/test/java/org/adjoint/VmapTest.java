package org.adjoint;

import static org.adjoint.Functions.NOT_MAPPED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.adjoint.gradcheck.GradientCheck;
import org.adjoint.graph.DType;
import org.adjoint.graph.Pooling;
import org.adjoint.graph.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Mapped functions: against loops, within and around derivatives. Each operation by itself: EveryRowTransformedTest.
 */
class VmapTest {
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    private Tensor random(long... shape) {
        return device.random().normal(DType.F64, shape).realize();
    }

    private static void assertSame(Tensor expected, Tensor actual) {
        assertEquals(expected.type(), actual.type());
        assertArrayEquals(expected.toDoubleArray(), actual.toDoubleArray(), 1e-10);
    }

    private static Tensor loop(Function<Tensor, Tensor> function, Tensor examples) {
        List<Tensor> results = new ArrayList<>();
        for (long i = 0; i < examples.shape().extent(0); i++) {
            results.add(function.apply(examples.slice(0, i, i + 1).squeeze(0)));
        }
        return Tensor.stack(results);
    }

    @Test
    void gradientsPerExample() {
        Tensor w = random(4, 3);
        Step.Function1 loss = x -> x.matmul(w).logSoftmax(-1).slice(0, 1, 2).sum();
        Tensor batch = random(5, 4);
        assertSame(loop(x -> loss.apply(x).gradient(x), batch), Functions.vmap(Functions.gradient(loss)).apply(batch));
        // For the shared weights, which each example gives a gradient of its own.
        Step.Function1 forWeights = x -> Functions.gradient(v -> x.matmul(v).tanh().sum()).apply(w);
        assertSame(loop(x -> x.matmul(w).tanh().sum().gradient(w), batch), Functions.vmap(forWeights).apply(batch));
    }

    @Test
    void derivativesOfMappedFunctions() {
        Tensor w = random(4, 3);
        Step.Function1 mapped = Functions.vmap(x -> x.matmul(w).tanh());
        Tensor batch = random(5, 4);
        Tensor direction = random(5, 4);
        assertSame(mapped.apply(batch).sum().gradient(w), batch.matmul(w).tanh().sum().gradient(w));
        GradientCheck.of(x -> mapped.apply(x[0])).order(2).assertGradients(batch);
        assertSame(Functions.jvp(x -> x.matmul(w).tanh(), batch, direction).tangent(),
            Functions.jvp(mapped, batch, direction).tangent());
        assertSame(Functions.jvp(mapped, batch, direction).tangent(), Functions.vmap(
            (Step.Function2) (x, v) -> Functions.jvp(y -> y.matmul(w).tanh(), x, v).tangent()).apply(batch, direction));
    }

    @Test
    void hessiansPerExample() {
        Step.Function1 f = x -> x.pow(3).sum().mul(x.sum());
        Tensor batch = random(3, 4).abs();
        Step.Function1 hessian = x -> Functions.hessian(f, x);
        assertSame(loop(hessian::apply, batch), Functions.vmap(hessian).apply(batch));
    }

    @Test
    void mappedTwice() {
        Tensor a = random(3, 4);
        Tensor b = random(5, 4);
        Step.Function2 dot = (x, y) -> x.mul(y).sum();
        Step.Function2 all = Functions.vmap((x, ys) -> Functions.vmap(dot, new int[] {NOT_MAPPED, 0}, 0).apply(x, ys),
            new int[] {0, NOT_MAPPED}, 0);
        assertSame(a.matmul(b.transpose()), all.apply(a, b));
    }

    @Test
    void axesOfArgumentsAndResults() {
        Tensor x = random(2, 3, 4);
        Step.Function1 sum = y -> y.mul(2).add(y.sum());
        Tensor expected = loop(sum::apply, x.permute(1, 0, 2));
        assertSame(expected, Functions.vmap(sum, 1, 0).apply(x));
        assertSame(expected.permute(1, 2, 0), Functions.vmap(sum, -2, -1).apply(x));
        Tensor constant = random(3);
        assertSame(constant.expand(2, 3).transpose(), Functions.vmap(y -> constant, 0, 1).apply(x));
    }

    @Test
    void severalResults() {
        Tensor x = random(3, 4);
        List<Tensor> results = Functions.vmapAll(in -> List.of(in.getFirst().sum(), in.getFirst().exp()), new int[] {0},
            0, 1).apply(List.of(x));
        assertSame(x.sum(1), results.get(0));
        assertSame(x.exp().transpose(), results.get(1));
    }

    @Test
    void gradientsOfTheirOwnAreMappedToo() {
        Step.Function2 product = (a, b) -> Functions.withGradient("product",
            in -> List.of(in.get(0).mul(in.get(1)).sum()), (in, _, dy) -> List.of(in.get(1).mul(dy.getFirst()).mul(3), in.get(0).mul(dy.getFirst()).mul(5)))
            .apply(List.of(a, b)).getFirst();
        Tensor a = random(3, 4);
        Tensor b = random(4);
        Tensor mapped = Functions.vmap(product, new int[] {0, NOT_MAPPED}, 0).apply(a, b);
        assertSame(a.mul(b).sum(1), mapped);
        assertSame(b.expand(3, 4).mul(3), mapped.sum().gradient(a));
        assertSame(a.sum(0).mul(5), mapped.sum().gradient(b));
        assertSame(b.expand(3, 4).mul(3),
            Functions.vmap((x, y) -> Functions.gradient(z -> product.apply(z, y)).apply(x), new int[] {0, NOT_MAPPED},
                0).apply(a, b));
    }

    @Test
    void checkpointsWithinAndAround() {
        Tensor w = random(4, 4);
        Step.Function1 layer = x -> x.matmul(w).tanh();
        Tensor batch = random(3, 4);
        Tensor expected = batch.matmul(w).tanh().sum().gradient(w);
        assertSame(expected, Functions.vmap(Functions.checkpoint(layer)).apply(batch).sum().gradient(w));
        assertSame(expected, Functions.checkpoint(Functions.vmap(layer)).apply(batch).sum().gradient(w));
    }

    @Test
    void randomNumbersDifferBetweenExamples() {
        device.random().seed(1);
        Tensor dropped = Functions.vmap(x -> x.dropout(0.5)).apply(device.ones(DType.F64, 2, 64));
        assertNotEquals(List.of(dropped.slice(0, 0, 1).toString()), List.of(dropped.slice(0, 1, 2).toString()));
        assertEquals(1, dropped.mean().item(), 0.5);
        // What is drawn outside is shared.
        Tensor noise = device.random().normal(DType.F64, 4);
        assertSame(noise.expand(3, 4), Functions.vmap(x -> x.mul(0).add(noise)).apply(device.ones(DType.F64, 3, 4)));
    }

    @Test
    void randomNumbersOfAScanDifferBetweenExamplesToo() {
        Tensor x = device.zeros(DType.F64, 3);
        Tensor y = Functions.vmap(one -> one.add(Scan.of((carries, slices) -> Scan.results(List.of(),
            List.of(device.random().uniform(DType.F64)))).run(List.of(), List.of(device.zeros(DType.F64, 4)))
            .output(0))).apply(x);
        assertEquals(Shape.of(3, 4), y.shape());
        assertEquals(12, Arrays.stream(y.toDoubleArray()).distinct().count());
    }

    @Test
    void elementsOfAMappedPoolThatTieShareEvenly() {
        Tensor x = device.zeros(DType.F64, 2, 1, 1, 6).realize();
        Tensor y = Functions.vmap(one -> one.maxPool1d(Pooling.of(3))).apply(x);
        Tensor shares = y.sum().gradient(x);
        for (double share : shares.toDoubleArray()) {
            assertEquals(1.0 / 3, share, 1e-15);
        }
        Tensor none = device.zeros(DType.F64, 0, 1, 1, 6);
        assertEquals(Shape.of(0, 1, 1, 2), Functions.vmap(one -> one.maxPool1d(Pooling.of(3))).apply(none).shape());
    }

    @Test
    void aCheckpointDropsTheSameElementsAgain() {
        Step.Function1 mapped = Functions.vmap(Functions.checkpoint((Step.Function1) x -> x.mul(x).dropout(0.5)));
        Tensor x = device.ones(DType.F64, 3, 16).realize();
        Tensor y = mapped.apply(x);
        assertSame(y.mul(2), y.sum().gradient(x));
    }

    @Test
    void windowsThatBeginWhereEachExampleSays() {
        Tensor x = random(3, 5, 4);
        Tensor starts = device.tensor(new long[] {0, 0, 2, 1, 3, 2}, 3, 2);
        Tensor update = random(3, 2, 2);
        List<Tensor> slices = new ArrayList<>();
        List<Tensor> updates = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Tensor start = starts.slice(0, i, i + 1).squeeze(0);
            Tensor one = x.slice(0, i, i + 1).squeeze(0);
            slices.add(one.dynamicSlice(start, 2, 2));
            updates.add(one.dynamicUpdateSlice(update.slice(0, i, i + 1).squeeze(0), start));
        }
        assertSame(Tensor.stack(slices), Functions.vmap((y, s) -> y.dynamicSlice(s, 2, 2)).apply(x, starts));
        assertSame(Tensor.stack(updates),
            Functions.vmap((Step.Function3) (y, u, s) -> y.dynamicUpdateSlice(u, s)).apply(x, update, starts));
        Tensor outside = device.tensor(new long[] {0, 0, 4, 0, 0, 0}, 3, 2);
        assertThrows(IndexOutOfBoundsException.class,
            () -> Functions.vmap((y, s) -> y.dynamicSlice(s, 2, 2)).apply(x, outside).realize());
        assertThrows(IndexOutOfBoundsException.class, () -> Functions.vmap(
            (Step.Function3) (y, u, s) -> y.dynamicUpdateSlice(u, s)).apply(x, update, outside).realize());
    }

    @Test
    void aLongFunctionIsNotComputedOnTheWay() {
        Tensor x = random(3);
        Tensor y = Functions.vmap(one -> {
            Tensor sum = one;
            for (int i = 0; i < 3000; i++) {
                sum = sum.add(1);
            }
            return sum;
        }).apply(x);
        assertSame(x.add(3000), y);
    }

    @Test
    void whatAMappedFunctionReadIsComputedBeforeItIsClosed() {
        Tensor shared = random(4);
        Tensor x = random(3, 4);
        Tensor y = Functions.vmap(one -> one.mul(shared)).apply(x);
        Tensor expected = x.mul(shared).realize();
        shared.close();
        assertSame(expected, y);
    }

    @Test
    void inATracedFunction() {
        Variable w = device.variable("w", device.tensor(new double[] {2, 3}));
        Step step = Step.compile(device, x -> {
            Tensor mapped = Functions.vmap(one -> one.mul(w.tensor()).sum()).apply(x);
            w.assign(mapped.sum().gradient(w));
            return mapped;
        });
        Tensor x = device.tensor(new double[] {1, 10, 100, 1000}, 2, 2);
        assertArrayEquals(new double[] {32, 3200}, step.run(x).toDoubleArray());
        assertArrayEquals(new double[] {101, 1010}, w.tensor().toDoubleArray());
    }

    @Test
    void whatCannotBeMappedIsSaidSo() {
        Variable v = device.variable("v", device.tensor(new double[] {0}));
        Tensor x = random(3, 1);
        message("assign: inside a function given to vmap variable 'v' would get one value per example", () ->
            Functions.vmap(one -> {
                v.assign(one);
                return one;
            }).apply(x));
        message("vmap: inside the mapped function a tensor stands for one example of many",
            () -> Functions.vmap(one -> one.mul(one.toDoubleArray()[0])).apply(x));
        Tensor[] leaked = new Tensor[1];
        Functions.vmap(one -> leaked[0] = one.mul(2)).apply(x);
        message("stands for one example of many", () -> leaked[0].toDoubleArray());
        message("vmap: 1 axes are given for 2 arguments",
            () -> Functions.vmapAll(in -> in, new int[] {0}, 0).apply(List.of(x, x)));
        message("vmap: 1 axes are given for 2 results",
            () -> Functions.vmapAll(in -> List.of(in.get(0), in.get(0)), new int[] {0}, 0).apply(List.of(x)));
        message("vmap: axis 3 is out of range for the results", () -> Functions.vmap(one -> one, 0, 3).apply(x));
        assertEquals(Shape.of(1, 3), Functions.vmap(one -> one, 0, 1).apply(x).shape());
    }

    private static void message(String message, Runnable code) {
        var error = assertThrows(RuntimeException.class, code::run);
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }
}
