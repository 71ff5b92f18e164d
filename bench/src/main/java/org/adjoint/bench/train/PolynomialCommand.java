package org.adjoint.bench.train;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.bench.DeviceOption;
import org.adjoint.bench.JsonOption;
import org.adjoint.optim.Adam;
import org.adjoint.optim.Schedule;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code adjoint train polynomial}: finds the coefficients of a polynomial from noisy points on it. */
@Command(
        name = "polynomial",
        description = "Fits k0..k5 of a polynomial of the fifth degree through noisy points, by gradient descent, and "
                + "plots points and curve.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  adjoint train polynomial",
            "  adjoint train polynomial --points 50 --noise 0.3 --out fit"
        })
final class PolynomialCommand implements Callable<Integer> {
    private static final double[] TRUTH = {0.5, -1.0, -2.0, 3.0, 1.5, -2.5};
    private static final int CURVE_POINTS = 400;

    @Spec
    private CommandSpec spec;

    @Option(names = "--steps", paramLabel = "N", defaultValue = "4000",
            description = "Steps of Adam (${DEFAULT-VALUE}).")
    private int steps;

    @Option(names = "--points", paramLabel = "N", defaultValue = "500", description = "Points (${DEFAULT-VALUE}).")
    private int points;

    @Option(names = "--noise", paramLabel = "X", defaultValue = "0.1",
            description = "Standard deviation of what is added to y (${DEFAULT-VALUE}).")
    private double noise;

    @Option(names = "--lr", paramLabel = "X", defaultValue = "0.1",
            description = "Learning rate at the start; it falls along a cosine (${DEFAULT-VALUE}).")
    private double learningRate;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0",
            description = "Chooses the points (${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--out", paramLabel = "DIR",
            description = "Where the plot goes (runs/<date-time>-polynomial).")
    private Path out;

    @Mixin
    private DeviceOption deviceOption;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        Require require = new Require(spec.commandLine());
        require.atLeast("--steps", steps, 1);
        require.atLeast("--points", points, TRUTH.length);
        require.notNegative("--noise", noise);
        require.positive("--lr", learningRate);
        deviceOption.check();
        json.requireWritable();
        RunFolder folder = RunFolder.create(out, "-polynomial");

        Random random = new Random(seed);
        double[] x = random.doubles(points, -1, 1).toArray();
        double[] y = Arrays.stream(x).map(at -> value(TRUTH, at) + noise * random.nextGaussian()).toArray();
        PrintWriter printer = spec.commandLine().getOut();
        double[] found;
        double loss;
        long start = System.nanoTime();
        try (Device device = deviceOption.open()) {
            printer.printf(Locale.ROOT, "fitting %,d points, noise %s, in %,d steps of Adam on %s%n", points, noise,
                    steps, device.name());
            printer.flush();
            List<Variable> k = IntStream.range(0, TRUTH.length)
                    .mapToObj(i -> device.variable("k" + i, device.scalar(0))).toList();
            Adam adam = Adam.of(k);
            Schedule schedule = Schedule.cosine(learningRate, 0, steps);
            Tensor xs = device.tensor(floats(x));
            Tensor ys = device.tensor(floats(y));
            try (Step step = Step.compile(device, (a, b) -> {
                Tensor error = polynomial(k, a).mseLoss(b);
                adam.minimize(error);
                return error;
            })) {
                loss = Double.NaN;
                for (int i = 0; i < steps; i++) {
                    try (var scope = device.scope()) {
                        adam.learningRate(schedule.rate(i));
                        Tensor error = step.run(xs, ys);
                        loss = i == steps - 1 ? error.item() : loss;
                    }
                }
            }
            found = k.stream().mapToDouble(variable -> variable.tensor().item()).toArray();
        }
        double seconds = (System.nanoTime() - start) / 1e9;

        printer.println("      found      true");
        for (int i = 0; i < found.length; i++) {
            printer.printf(Locale.ROOT, "k%d  %7.3f   %7.3f%n", i, found[i], TRUTH[i]);
        }
        Path plot = folder.path().resolve("polynomial.png");
        double[] curve = IntStream.rangeClosed(0, CURVE_POINTS).mapToDouble(i -> 2.0 * i / CURVE_POINTS - 1).toArray();
        Charts.fit(plot, x, y, curve, Arrays.stream(curve).map(at -> value(found, at)).toArray(),
                Arrays.stream(curve).map(at -> value(TRUTH, at)).toArray());
        printer.printf(Locale.ROOT, "mean squared error %.5f, where the noise alone makes %.5f%n", loss, noise * noise);
        printer.println("plot: " + plot);
        printer.flush();

        Map<String, Object> results = new LinkedHashMap<>();
        results.put("found", Arrays.stream(found).boxed().toList());
        results.put("true", Arrays.stream(TRUTH).boxed().toList());
        results.put("loss", loss);
        results.put("seconds", seconds);
        results.put("plot", plot.toString());
        json.write(results);
        return 0;
    }

    /** By Horner's rule. */
    private static Tensor polynomial(List<Variable> k, Tensor x) {
        Tensor y = k.getLast().tensor();
        for (Variable coefficient : k.reversed().subList(1, k.size())) {
            y = y.mul(x).add(coefficient.tensor());
        }
        return y;
    }

    private static double value(double[] k, double x) {
        double y = 0;
        for (int i = k.length - 1; i >= 0; i--) {
            y = y * x + k[i];
        }
        return y;
    }

    private static float[] floats(double[] values) {
        float[] result = new float[values.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = (float) values[i];
        }
        return result;
    }
}
