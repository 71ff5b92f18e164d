package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.Set;
import java.util.function.BinaryOperator;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Elementwise functions made of others, against Java's: of {@code F32} in double, whose error is far below an ulp. */
class ComposedFunctionsTest {
    private static final long STRIDE = 40_009;
    private static final Set<String> JAVAS = Set.of("tan", "asin", "acos", "sinh", "cosh", "exp2", "log10", "elu");
    /** A product of x and of an exponential that is subnormal has no more digits than that. */
    private static final float TINY = 1e-36f;

    /**
     * @param units ulps of the result that it may err by
     * @param least magnitude below which ulps do not become smaller
     */
    record Function(String name, double units, float least, UnaryOperator<Tensor> ours, DoubleUnaryOperator truth) {
        Function(String name, double units, UnaryOperator<Tensor> ours, DoubleUnaryOperator truth) {
            this(name, units, 0, ours, truth);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    record Pairing(String name, double units, BinaryOperator<Tensor> ours, DoubleBinaryOperator truth) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Function> functions() {
        return Stream.of(
            new Function("tan", 2.6, Tensor::tan, StrictMath::tan),
            new Function("asin", 2.5, Tensor::asin, StrictMath::asin),
            new Function("acos", 2, Tensor::acos, StrictMath::acos),
            new Function("sinh", 3.2, Tensor::sinh, StrictMath::sinh),
            new Function("cosh", 3, Tensor::cosh, StrictMath::cosh),
            new Function("asinh", 2.5, Tensor::asinh, ComposedFunctionsTest::asinh),
            new Function("acosh", 2, Tensor::acosh, ComposedFunctionsTest::acosh),
            new Function("atanh", 2, Tensor::atanh, x -> 0.5 * (StrictMath.log1p(x) - StrictMath.log1p(-x))),
            new Function("exp2", 0.51, Tensor::exp2, x -> StrictMath.pow(2, x)),
            new Function("log2", 1.5, Tensor::log2, x -> StrictMath.log(x) / StrictMath.log(2)),
            new Function("log10", 2, Tensor::log10, StrictMath::log10),
            new Function("softplus", 1.6, Tensor::softplus, ComposedFunctionsTest::softplus),
            new Function("softplus(2)", 1.6, x -> x.softplus(2), x -> softplus(2 * x) / 2),
            new Function("logSigmoid", 1.6, Tensor::logSigmoid, x -> -softplus(-x)),
            new Function("mish", 5, TINY, Tensor::mish, x -> x * StrictMath.tanh(softplus(x))),
            new Function("silu", 4, TINY, Tensor::silu,
                x -> x * (x < 0 ? StrictMath.exp(x) / (1 + StrictMath.exp(x)) : 1 / (1 + StrictMath.exp(-x)))),
            new Function("elu", 1, Tensor::elu, x -> x > 0 ? x : StrictMath.expm1(x)),
            new Function("celu", 2, x -> x.celu(1.5), x -> x > 0 ? x : 1.5 * StrictMath.expm1(x / 1.5)),
            new Function("selu", 2, Tensor::selu,
                x -> 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * StrictMath.expm1(x))),
            new Function("softsign", 1.5, Tensor::softsign, x -> x / (1 + Math.abs(x))),
            new Function("leakyRelu", 1, Tensor::leakyRelu, x -> x > 0 ? x : 0.01 * x),
            new Function("hardSwish", 2, Tensor::hardSwish, x -> x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6),
            new Function("relu6", 0.5, Tensor::relu6, x -> x <= 0 ? 0 : x >= 6 ? 6 : x),
            new Function("frac", 0.5, Tensor::frac, x -> x - (x < 0 ? Math.ceil(x) : Math.floor(x))));
    }

    static Stream<Pairing> pairings() {
        return Stream.of(
            new Pairing("atan2", 2, Tensor::atan2, StrictMath::atan2),
            new Pairing("hypot", 2, Tensor::hypot, StrictMath::hypot),
            new Pairing("remainder", 0.5, Tensor::remainder, (a, b) -> a % b),
            new Pairing("mod", 0.5, Tensor::mod, ComposedFunctionsTest::mod));
    }

    private static double asinh(double x) {
        double a = Math.abs(x);
        return Math.abs(x) < 1e-9 ? x
            : Double.isInfinite(x) ? x : Math.copySign(StrictMath.log1p(a + a * a / (1 + Math.sqrt(1 + a * a))), x);
    }

    private static double acosh(double x) {
        double t = x - 1;
        return x < 1 ? Double.NaN : StrictMath.log1p(t + Math.sqrt(t * (t + 2)));
    }

    private static double softplus(double x) {
        return Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x)));
    }

    private static double mod(double a, double b) {
        double remainder = a % b;
        return remainder != 0 && remainder < 0 != b < 0 ? remainder + b : remainder;
    }

    private static double ulps(float actual, double expected, float least) {
        float rounded = (float) expected;
        if (Float.compare(actual, rounded) == 0 && !Float.isFinite(actual)) {
            return 0;
        }
        // Zeros of the other sign, and what a right result does not have: infinity and NaN.
        boolean same = Float.compare(actual, rounded) == 0;
        if (!same && actual == rounded || Float.isNaN(actual) || Float.isNaN(rounded)) {
            return Double.POSITIVE_INFINITY;
        }
        double magnitude = Math.abs(expected);
        return Float.isInfinite(actual) || Float.isInfinite(rounded) ? Math.abs(magnitude / Float.MAX_VALUE - 1) * 0x1p24
            : Math.abs(actual - expected) / Math.ulp(Math.max(Math.abs(rounded), least));
    }

    /** Through all floats, and the neighborhood of special ones. */
    private static float[] floats() {
        float[] special = {0, 1, -1, 0.5f, 2, 3, 6, 20, 88.72284f, 89.41599f, 100, 1.5707964f, 8192, 0x1p-13f, 0x1p64f,
            Float.MIN_NORMAL, Float.MAX_VALUE, Float.POSITIVE_INFINITY, Float.NaN};
        DoubleStream near = DoubleStream.of(widened(special)).flatMap(x -> {
            int bits = Float.floatToRawIntBits((float) x);
            return DoubleStream.iterate(-16, i -> i <= 16, i -> i + 1)
                .map(i -> Float.intBitsToFloat(bits + (int) i)).flatMap(y -> DoubleStream.of(y, -y));
        });
        DoubleStream all = DoubleStream.iterate(Integer.MIN_VALUE, bits -> bits <= Integer.MAX_VALUE,
            bits -> bits + STRIDE).map(bits -> Float.intBitsToFloat((int) bits));
        double[] both = DoubleStream.concat(near, all).toArray();
        float[] floats = new float[both.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) both[i];
        }
        return floats;
    }

    private static double[] widened(float[] floats) {
        double[] wide = new double[floats.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = floats[i];
        }
        return wide;
    }

    @ParameterizedTest
    @MethodSource("functions")
    void floatsAreWithinTheirBound(Function function) {
        float[] x = floats();
        try (Device device = Device.open("cpu")) {
            float[] y = function.ours.apply(device.tensor(x)).toFloatArray();
            for (int i = 0; i < x.length; i++) {
                double error = ulps(y[i], function.truth.applyAsDouble(x[i]), function.least);
                assertTrue(error <= function.units, function + "(" + x[i] + ") = " + y[i] + ": " + error + " ulp");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("pairings")
    void pairsAreWithinTheirBound(Pairing pairing) {
        float[] special = {0, -0f, 1, -1, 2.5f, -3, 7, 1e-40f, -1e-40f, 1e30f, 3e38f, -3e38f, Float.POSITIVE_INFINITY,
            Float.NEGATIVE_INFINITY, Float.NaN, 1e-20f};
        int n = special.length;
        Random random = new Random(3);
        float[] a = new float[n * n + 20_000];
        float[] b = new float[a.length];
        for (int i = 0; i < a.length; i++) {
            a[i] = i < n * n ? special[i / n] : (float) random.nextGaussian() * (i % 2 == 0 ? 1 : 30);
            b[i] = i < n * n ? special[i % n] : (float) random.nextGaussian();
        }
        try (Device device = Device.open("cpu")) {
            float[] y = pairing.ours.apply(device.tensor(a), device.tensor(b)).toFloatArray();
            for (int i = 0; i < a.length; i++) {
                double error = ulps(y[i], pairing.truth.applyAsDouble(a[i], b[i]), 0);
                assertTrue(error <= pairing.units,
                    pairing + "(" + a[i] + ", " + b[i] + ") = " + y[i] + ": " + error + " ulp");
            }
        }
    }

    /** {@code F64}, against Java's functions alone, which err themselves. */
    @ParameterizedTest
    @MethodSource("functions")
    void doublesAreNearJavas(Function function) {
        if (!JAVAS.contains(function.name)) {
            return;
        }
        Random random = new Random(11);
        double[] x = random.doubles(4_000, -1, 1).toArray();
        for (int i = 0; i < x.length; i++) {
            x[i] *= i % 3 == 0 ? 1 : i % 3 == 1 ? Math.scalb(1, -random.nextInt(40)) : 30;
        }
        try (Device device = Device.open("cpu")) {
            double[] y = function.ours.apply(device.tensor(x)).toDoubleArray();
            for (int i = 0; i < x.length; i++) {
                double expected = function.truth.applyAsDouble(x[i]);
                double error = Double.isNaN(expected) && Double.isNaN(y[i]) ? 0
                    : Math.abs(y[i] - expected) / Math.ulp(expected);
                assertTrue(error <= function.units + 2, function + "(" + x[i] + ") = " + y[i] + ": " + error + " ulp");
            }
        }
    }
}
