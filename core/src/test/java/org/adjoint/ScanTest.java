package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.gradcheck.GradientCheck;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScanTest {
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    private static Scan.Results sums(Tensor x, boolean reverse) {
        Scan scan = Scan.of((carries, slices) -> {
            Tensor total = carries.getFirst().add(slices.getFirst());
            return Scan.results(List.of(total), List.of(total));
        });
        return (reverse ? scan.reversed() : scan).run(List.of(x.device().zeros(DType.F64)), List.of(x));
    }

    @Test
    void sumsUpFromEitherEnd() {
        Tensor x = device.tensor(new double[] {1, 10, 100, 1000});
        Scan.Results up = sums(x, false);
        assertArrayEquals(new double[] {1, 11, 111, 1111}, up.output(0).toDoubleArray());
        assertEquals(1111, up.carry(0).item());
        Scan.Results down = sums(x, true);
        assertArrayEquals(new double[] {1111, 1110, 1100, 1000}, down.output(0).toDoubleArray());
        assertEquals(1111, down.carry(0).item());
    }

    @Test
    void gradientOfSums() {
        Tensor x = device.tensor(new double[] {1, 10, 100, 1000});
        Tensor weights = device.tensor(new double[] {1, 2, 3, 4});
        assertArrayEquals(new double[] {10, 9, 7, 4},
            sums(x, false).output(0).mul(weights).sum().gradient(x).toDoubleArray());
        assertArrayEquals(new double[] {1, 3, 6, 10},
            sums(x, true).output(0).mul(weights).sum().gradient(x).toDoubleArray());
        assertArrayEquals(new double[] {1, 1, 1, 1}, sums(x, false).carry(0).gradient(x).toDoubleArray());
    }

    /** A small network: two carries, two scanned tensors, captured matrix and bias, an output of another shape. */
    private static List<Tensor> network(boolean unrolled, boolean reverse, List<Tensor> in) {
        Tensor weight = in.get(4);
        Tensor bias = in.get(5);
        Scan.Body body = (carries, slices) -> {
            Tensor h = carries.get(0).matmul(weight.transpose()).add(slices.get(0)).add(bias).tanh();
            Tensor c = carries.get(1).mul(slices.get(1)).add(h.mul(bias));
            return Scan.results(List.of(h, c), List.of(c.mul(h).sum(1), h));
        };
        if (!unrolled) {
            Scan scan = reverse ? Scan.of(body).reversed() : Scan.of(body);
            Scan.Results results = scan.run(in.subList(0, 2), in.subList(2, 4));
            return List.of(results.carry(0), results.carry(1), results.output(0), results.output(1));
        }
        List<Tensor> carries = in.subList(0, 2);
        int length = (int) in.get(2).shape().extent(0);
        List<List<Tensor>> outputs = new ArrayList<>();
        for (int i = 0; i < length; i++) {
            int t = reverse ? length - 1 - i : i;
            Scan.Results made = body.apply(carries, List.of(at(in.get(2), t), at(in.get(3), t)));
            carries = made.carries();
            outputs.add(made.outputs());
        }
        if (reverse) {
            outputs = outputs.reversed();
        }
        return List.of(carries.get(0), carries.get(1), Tensor.stack(outputs.stream().map(List::getFirst).toList()),
            Tensor.stack(outputs.stream().map(List::getLast).toList()));
    }

    private static Tensor at(Tensor x, int position) {
        return x.slice(0, position, position + 1).squeeze(0);
    }

    private List<Tensor> arguments(int length, int batch, int width) {
        device.random().seed(3);
        return List.of(random(batch, width), random(batch, width), random(length, batch, width),
            random(length, batch, width), random(width, width), random(width));
    }

    private Tensor random(long... shape) {
        return device.random().normal(DType.F64, shape).realize();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 13, 207})
    void equalsTheUnrolledGraph(int length) {
        for (boolean reverse : length > 100 ? new boolean[] {true} : new boolean[] {false, true}) {
            List<Tensor> in = arguments(length, 2, 3);
            List<Tensor> looped = network(false, reverse, in);
            List<Tensor> unrolled = network(true, reverse, in);
            for (int i = 0; i < looped.size(); i++) {
                assertEquals(unrolled.get(i).shape(), looped.get(i).shape());
                assertClose(unrolled.get(i), looped.get(i));
            }
            List<Tensor> expected = loss(unrolled).gradients(in);
            List<Tensor> actual = loss(looped).gradients(in);
            for (int i = 0; i < in.size(); i++) {
                assertClose(expected.get(i), actual.get(i));
            }
        }
    }

    private static Tensor loss(List<Tensor> results) {
        Tensor sum = results.getFirst().square().sum();
        for (Tensor result : results.subList(1, results.size())) {
            sum = sum.add(result.sin().sum());
        }
        return sum;
    }

    private static void assertClose(Tensor expected, Tensor actual) {
        double[] wanted = expected.toDoubleArray();
        double largest = Arrays.stream(wanted).map(Math::abs).max().orElse(0);
        assertArrayEquals(wanted, actual.toDoubleArray(), 1e-12 * Math.max(1, largest));
    }

    @Test
    void secondDerivativesEqualThoseOfTheUnrolledGraph() {
        List<Tensor> in = arguments(5, 2, 3);
        List<List<Tensor>> found = new ArrayList<>();
        for (boolean unrolled : new boolean[] {true, false}) {
            Tensor norm = null;
            for (Tensor gradient : loss(network(unrolled, false, in)).gradients(in)) {
                Tensor part = gradient.square().sum();
                norm = norm == null ? part : norm.add(part);
            }
            found.add(norm.gradients(in));
        }
        for (int i = 0; i < in.size(); i++) {
            assertClose(found.get(0).get(i), found.get(1).get(i));
        }
    }

    @Test
    void passesTheGradientCheckOfSecondOrder() {
        List<Tensor> in = arguments(3, 2, 2);
        assertTrue(GradientCheck.of(inputs -> loss(network(false, true, List.of(inputs)))).named("scan").order(2)
            .check(in.toArray(Tensor[]::new)).passed());
    }

    @Test
    void noIterationsGiveTheFirstCarriesAndEmptyOutputs() {
        List<Tensor> in = arguments(0, 2, 3);
        List<Tensor> results = network(false, false, in);
        assertArrayEquals(in.get(0).toDoubleArray(), results.get(0).toDoubleArray());
        assertEquals("(0, 2)", results.get(2).shape().toString());
        assertEquals("(0, 2, 3)", results.get(3).shape().toString());
        Tensor gradient = results.get(0).sum().gradient(in.get(0));
        assertArrayEquals(new double[] {1, 1, 1, 1, 1, 1}, gradient.toDoubleArray());
    }

    @Test
    void countsIterationsWithNothingToScan() {
        Scan.Results powers = Scan.of((carries, _) -> Scan.results(List.of(carries.getFirst().mul(2)), carries))
            .run(List.of(device.tensor(new int[] {1, 3})), 5);
        assertArrayEquals(new int[] {32, 96}, powers.carry(0).toIntArray());
        assertArrayEquals(new int[] {1, 3, 2, 6, 4, 12, 8, 24, 16, 48}, powers.output(0).toIntArray());
    }
}
