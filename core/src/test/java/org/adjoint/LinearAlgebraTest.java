package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What products and factorizations mean, by hand and by definition. */
class LinearAlgebraTest {
    private static Tensor tensor(Device device, Shape shape, double... values) {
        return device.tensor(values, shape).to(DType.F64);
    }

    private static void assertValues(Tensor tensor, double... expected) {
        assertArrayEquals(expected, tensor.toDoubleArray(), 1e-12, tensor.shape().toString());
    }

    /** The definition: every assignment of indices to letters adds one product. */
    private static double[] naive(String equation, Map<Character, Integer> extents, double[]... operands) {
        String[] sides = equation.split("->", -1);
        String[] terms = sides[0].split(",");
        char[] letters = sides[0].replace(",", "").chars().distinct().mapToObj(c -> String.valueOf((char) c))
            .reduce("", String::concat).toCharArray();
        double[] result = new double[size(sides[1], extents)];
        int[] index = new int[128];
        int total = 1;
        for (char letter : letters) {
            total *= extents.get(letter);
        }
        for (int point = 0; point < total; point++) {
            int rest = point;
            for (char letter : letters) {
                index[letter] = rest % extents.get(letter);
                rest /= extents.get(letter);
            }
            double product = 1;
            for (int i = 0; i < terms.length; i++) {
                product *= operands[i][at(terms[i], extents, index)];
            }
            result[at(sides[1], extents, index)] += product;
        }
        return result;
    }

    private static int size(String term, Map<Character, Integer> extents) {
        return term.chars().map(c -> extents.get((char) c)).reduce(1, (x, y) -> x * y);
    }

    private static int at(String term, Map<Character, Integer> extents, int[] index) {
        int at = 0;
        for (char letter : term.toCharArray()) {
            at = at * extents.get(letter) + index[letter];
        }
        return at;
    }

    @ParameterizedTest
    @ValueSource(strings = {"ij->ji", "ii->i", "ii->", "iji->j", "i,j->ij", "i,i->", "ij,j->i", "ij,jk->ik",
        "ij,kj->ki",
        "bij,bjk->bik", "bij,bjk->ikb", "abc,cd,bd->a", "iij,jkk->ik", "i,j,k,l->lkji", "ab,bc,cd,de->ae", "ab,ab->ab",
        "abcd,cdef->abef", "ai,bi,ci->abc", "a,ab,b->", "ij,ij->i", "bq,bk,bqk->b"})
    void einsumIsItsDefinition(String equation) {
        SplittableRandom random = new SplittableRandom(equation.hashCode());
        Map<Character, Integer> extents = new LinkedHashMap<>();
        String[] terms = equation.split("->", -1)[0].split(",");
        for (char letter : String.join("", terms).toCharArray()) {
            extents.putIfAbsent(letter, 2 + extents.size() % 3);
        }
        try (Device device = Device.open("reference")) {
            double[][] values = new double[terms.length][];
            Tensor[] operands = new Tensor[terms.length];
            for (int i = 0; i < terms.length; i++) {
                values[i] = random.doubles(size(terms[i], extents), -1, 1).toArray();
                operands[i] = tensor(device, Shape.of(terms[i].chars().mapToLong(c -> extents.get((char) c)).toArray()),
                    values[i]);
            }
            assertValues(Tensor.einsum(equation, operands), naive(equation, extents, values));
        }
    }

    @Test
    void einsumLeavesOutWhatNumPyDoes() {
        try (Device device = Device.open("reference")) {
            Tensor a = tensor(device, Shape.of(2, 3), 1, 2, 3, 4, 5, 6);
            Tensor b = tensor(device, Shape.of(3, 2), 1, 0, 0, 1, 1, 1);
            // Without an arrow: letters that occur once, in the order of the alphabet.
            assertValues(Tensor.einsum("ba", a), 1, 4, 2, 5, 3, 6);
            assertValues(Tensor.einsum("ij,jk", a, b), 4, 5, 10, 11);
            assertValues(Tensor.einsum("ij , jh", a, b), 4, 10, 5, 11);
            assertEquals(Shape.of(3, 2), Tensor.einsum("Ba,aC", b, tensor(device, Shape.of(2, 2), 1, 2, 3, 4)).shape());
            // The axes of an ellipsis come first, broadcast from the right, and are summed where they are left out.
            assertEquals(Shape.of(5, 2, 4), Tensor.einsum("i...,...j", device.zeros(DType.F64, 4, 2),
                device.zeros(DType.F64, 5, 1, 3)).sum(3).shape());
            assertValues(Tensor.einsum("...j->j", a), 5, 7, 9);
            // An axis of one element broadcasts.
            assertValues(Tensor.einsum("ij,ij->ij", a, tensor(device, Shape.of(2, 1), 1, 10)), 1, 2, 3, 40, 50, 60);
        }
    }

    @Test
    void chainsOfProductsAreMultipliedInACheapOrder() {
        try (Device device = Device.open("reference")) {
            Tensor column = device.ones(DType.F64, 1_000_000, 1);
            Tensor row = device.ones(DType.F64, 1, 1_000_000);
            // From the left there would be 10^12 elements in between.
            assertValues(Tensor.einsum("ij,jk,kl->il", column, row, column).max(), 1e6);
        }
    }

    @Test
    void productsOfTensors() {
        try (Device device = Device.open("reference")) {
            Tensor a = tensor(device, Shape.of(3), 1, 2, 3);
            Tensor b = tensor(device, Shape.of(2), 10, 20);
            assertValues(a.dot(a), 14);
            assertValues(a.outer(b), 10, 20, 20, 40, 30, 60);
            assertValues(tensor(device, Shape.of(2, 2), 1, 2, 3, 4).kron(tensor(device, Shape.of(1, 2), 1, -1)),
                1, -1, 2, -2, 3, -3, 4, -4);
            assertValues(tensor(device, Shape.of(2, 2), 1, 2, 3, 4).tensordot(tensor(device, Shape.of(2, 2), 1, 1, 0,
                2), 2),
                1 + 2 + 8);
            assertValues(tensor(device, Shape.of(2, 2), 1, 2, 3, 4).tensordot(b, new int[] {0}, new int[] {0}), 70,
                100);
        }
    }

    @Test
    void factorizationsByHand() {
        try (Device device = Device.open("reference")) {
            Tensor a = tensor(device, Shape.of(2, 2), 4, 2, 2, 3);
            assertValues(a.cholesky(), 2, 0, 1, Math.sqrt(2));
            assertValues(a.inverse(), 3.0 / 8, -0.25, -0.25, 0.5);
            assertValues(a.solve(tensor(device, Shape.of(2), 8, 8)), 1, 2);
            assertValues(a.determinant(), 8);
            // The example of Wikipedia's page on QR decomposition; LAPACK reflects to negative pivots.
            Tensor b = tensor(device, Shape.of(3, 3), 12, -51, 4, 6, 167, -68, -4, 24, -41);
            Tensor.Qr qr = b.qr();
            assertValues(qr.r(), -14, -21, 14, 0, -175, 70, 0, 0, -35);
            assertValues(qr.q(), -6 / 7.0, 69 / 175.0, 58 / 175.0, -3 / 7.0, -158 / 175.0, -6 / 175.0, 2 / 7.0,
                -6 / 35.0,
                33 / 35.0);
            assertValues(b.logDeterminant().sign(), -1);
            assertValues(b.logDeterminant().logMagnitude(), Math.log(85750));
            // An upper triangle, its transpose, and both from the right.
            Tensor upper = tensor(device, Shape.of(2, 2), 2, 1, 99, 4);
            Tensor c = tensor(device, Shape.of(2, 1), 4, 8);
            Tensor lower = tensor(device, Shape.of(2, 2), 2, 99, 1, 4);
            assertValues(upper.triangularSolve(c, true), 1, 2);
            assertValues(upper.triangularSolve(c, true, true, true, false), 2, 1.5);
            assertValues(upper.triangularSolve(c.transpose(), false, true, false, false), 2, 1.5);
            assertValues(lower.triangularSolve(c, false), 2, 1.5);
            assertValues(lower.triangularSolve(c.transpose(), false, false, false, false), 1, 2);
            assertValues(upper.triangularSolve(c, true, true, false, true), -4, 8);
        }
    }

    @Test
    void whatHasNoResultIsNaNOrInfinite() {
        try (Device device = Device.open("reference")) {
            double nan = Double.NaN;
            Tensor indefinite = tensor(device, Shape.of(3, 3), 4, 0, 0, 0, -1, 0, 0, 0, 9);
            assertValues(indefinite.cholesky(), 2, 0, 0, 0, nan, 0, 0, nan, nan);
            Tensor singular = tensor(device, Shape.of(2, 2), 1, 0, 1, 0);
            assertValues(singular.determinant(), 0);
            assertValues(singular.logDeterminant().sign(), 0);
            assertTrue(Arrays.stream(singular.inverse().toDoubleArray()).noneMatch(Double::isFinite));
        }
    }

    /** The determinant's derivative is its cofactors, the logarithm's the transposed inverse. */
    @Test
    void gradientsByHand() {
        try (Device device = Device.open("reference")) {
            Tensor a = tensor(device, Shape.of(2, 2), 4, 2, 1, 3);
            assertValues(a.determinant().gradients(List.of(a)).getFirst(), 3, -1, -2, 4);
            assertValues(a.logDeterminant().logMagnitude().gradients(List.of(a)).getFirst(), 0.3, -0.1, -0.2, 0.4);
            Tensor singular = tensor(device, Shape.of(3, 3), 0, 1, 2, 0, 3, 4, 0, 5, 6);
            assertValues(singular.determinant().gradient(singular), -2, 0, 0, 4, 0, 0, -2, 0, 0);
            Tensor zero = tensor(device, Shape.of(2, 2), 0, 0, 0, 0);
            assertValues(zero.determinant().gradient(zero), 0, 0, 0, 0);
            // d x / d b of a x = b is the inverse, whose columns sum to this.
            Tensor b = tensor(device, Shape.of(2), 1, 1);
            assertValues(a.solve(b).sum().gradients(List.of(b)).getFirst(), 0.2, 0.2);
        }
    }
}
