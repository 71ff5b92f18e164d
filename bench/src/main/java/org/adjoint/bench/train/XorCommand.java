package org.adjoint.bench.train;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.bench.DeviceOption;
import org.adjoint.bench.JsonOption;
import org.adjoint.nn.Activation;
import org.adjoint.nn.Linear;
import org.adjoint.nn.Sequential;
import org.adjoint.optim.AdamW;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code adjoint train xor}: what a hidden layer is good for. */
@Command(
        name = "xor",
        description = "Learns the exclusive or of two bits, which no network without a hidden layer can, and one with "
                + "a hidden layer does; draws what both answer.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  adjoint train xor",
            "  adjoint train xor --hidden 4 --seed 7 --out xor"
        })
final class XorCommand implements Callable<Integer> {
    private static final float[] INPUTS = {0, 0, 0, 1, 1, 0, 1, 1};
    private static final float[] ANSWERS = {0, 1, 1, 0};
    /** An answer counts as learned from this probability on. */
    private static final double SURE = 0.9;
    private static final int GRID = 81;
    private static final double LOW = -0.5;
    private static final double HIGH = 1.5;

    /** What a trained network says of the four inputs, and of the plane around them. */
    private record Outcome(double loss, float[] answers, double[][] surface) {
        int learned() {
            int count = 0;
            for (int i = 0; i < answers.length; i++) {
                if (ANSWERS[i] == 1 ? answers[i] >= SURE : answers[i] <= 1 - SURE) {
                    count++;
                }
            }
            return count;
        }

        boolean succeeded() {
            return learned() == ANSWERS.length;
        }

        Map<String, Object> fields() {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("loss", loss);
            fields.put("answers", List.of(answers[0], answers[1], answers[2], answers[3]));
            fields.put("learned", succeeded());
            return fields;
        }
    }

    @Spec
    private CommandSpec spec;

    @Option(names = "--steps", paramLabel = "N", defaultValue = "2000",
            description = "Steps of AdamW for each network (${DEFAULT-VALUE}).")
    private int steps;

    @Option(names = "--hidden", paramLabel = "N", defaultValue = "8",
            description = "Width of the hidden layer (${DEFAULT-VALUE}).")
    private int hidden;

    @Option(names = "--lr", paramLabel = "X", defaultValue = "0.02", description = "Learning rate (${DEFAULT-VALUE}).")
    private double learningRate;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0",
            description = "Chooses the weights at the start (${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--out", paramLabel = "DIR", description = "Where the drawing goes (runs/<date-time>-xor).")
    private Path out;

    @Mixin
    private DeviceOption deviceOption;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        Require require = new Require(spec.commandLine());
        require.atLeast("--steps", steps, 1);
        require.atLeast("--hidden", hidden, 1);
        require.positive("--lr", learningRate);
        deviceOption.check();
        json.requireWritable();
        RunFolder folder = RunFolder.create(out, "-xor");

        PrintWriter printer = spec.commandLine().getOut();
        Outcome without;
        Outcome with;
        try (Device device = deviceOption.open()) {
            printer.printf(Locale.ROOT, "learning xor in %,d steps of AdamW on %s%n", steps, device.name());
            printer.flush();
            without = train(device, Sequential.of(Linear.of(2, 1)));
            with = train(device, Sequential.of(Linear.of(2, hidden), Activation.TANH, Linear.of(hidden, 1)));
        }
        printer.println("                        0 0    0 1    1 0    1 1      loss");
        print(printer, "wanted", ANSWERS, "");
        print(printer, "without a hidden layer", without.answers(), verdict(without));
        print(printer, "with a hidden layer", with.answers(), verdict(with));
        Path drawing = folder.path().resolve("xor.png");
        DecisionSurface.write(drawing, List.of(
                new DecisionSurface.Panel("without a hidden layer", summary(without), without.surface(), LOW, HIGH),
                new DecisionSurface.Panel("with a hidden layer of " + hidden, summary(with), with.surface(), LOW,
                        HIGH)),
                List.of(new DecisionSurface.Point(0, 0, false), new DecisionSurface.Point(0, 1, true),
                        new DecisionSurface.Point(1, 0, true), new DecisionSurface.Point(1, 1, false)));
        printer.println("drawing: " + drawing);
        printer.flush();

        Map<String, Object> results = new LinkedHashMap<>();
        results.put("withoutHiddenLayer", without.fields());
        results.put("withHiddenLayer", with.fields());
        results.put("drawing", drawing.toString());
        json.write(results);
        if (!with.succeeded()) {
            throw new IllegalStateException("the network with a hidden layer did not learn xor: give it more --steps, "
                    + "a wider --hidden layer or another --seed");
        }
        return 0;
    }

    private static void print(PrintWriter printer, String name, float[] answers, String verdict) {
        printer.printf(Locale.ROOT, "%-22s  %.3f  %.3f  %.3f  %.3f    %s%n", name, answers[0], answers[1], answers[2],
                answers[3], verdict);
    }

    private static String verdict(Outcome outcome) {
        return String.format(Locale.ROOT, "%.4f  %s", outcome.loss(), outcome.succeeded() ? "succeeds" : "fails");
    }

    private static String summary(Outcome outcome) {
        return String.format(Locale.ROOT, "%s: %d of 4 answers learned, loss %.4f",
                outcome.succeeded() ? "succeeds" : "fails", outcome.learned(), outcome.loss());
    }

    private Outcome train(Device device, Sequential network) {
        try (var scope = device.scope()) {
            network.initialize(device, seed);
            AdamW adam = AdamW.of(network.parameters()).learningRate(learningRate).weightDecay(0);
            Tensor inputs = device.tensor(INPUTS, 4, 2);
            Tensor answers = device.tensor(ANSWERS, 4, 1);
            double loss = Double.NaN;
            try (Step step = Step.compile(device, (x, y) -> {
                Tensor error = network.forward(x).binaryCrossEntropyWithLogits(y);
                adam.minimize(error);
                return error;
            })) {
                for (int i = 0; i < steps; i++) {
                    try (var iteration = device.scope()) {
                        Tensor error = step.run(inputs, answers);
                        loss = i == steps - 1 ? error.item() : loss;
                    }
                }
            }
            float[] learned = network.forward(inputs).sigmoid().toFloatArray();
            return new Outcome(loss, learned, surface(device, network));
        }
    }

    private static double[][] surface(Device device, Sequential network) {
        float[] grid = new float[GRID * GRID * 2];
        for (int i = 0; i < GRID * GRID; i++) {
            grid[2 * i] = (float) (LOW + (HIGH - LOW) * (i % GRID) / (GRID - 1));
            grid[2 * i + 1] = (float) (LOW + (HIGH - LOW) * (i / GRID) / (GRID - 1));
        }
        float[] flat = network.forward(device.tensor(grid, GRID * GRID, 2)).sigmoid().toFloatArray();
        double[][] rows = new double[GRID][GRID];
        for (int i = 0; i < flat.length; i++) {
            rows[i / GRID][i % GRID] = flat[i];
        }
        return rows;
    }
}
