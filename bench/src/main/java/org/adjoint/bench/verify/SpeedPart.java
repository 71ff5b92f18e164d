package org.adjoint.bench.verify;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.adjoint.Device;
import org.adjoint.Scope;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.bench.verify.SpeedCase.Ceiling;
import org.adjoint.cuda.CardRates;
import org.adjoint.graph.DType;

/** Times work and reports the rate, as a fraction of what the card can do. It passes whatever the rate. */
record SpeedPart(Supplier<Device> device) implements Part {
    private static final int ROUNDS = 5;
    private static final double ROUND_SECONDS = 0.2;
    private static final int MOST_RUNS = 1000;
    private static final long COPIED_BYTES = 1L << 30;
    private static final long GEMM_SIDE = 4096;

    @Override
    public String name() {
        return "speed";
    }

    @Override
    public List<Item> items() {
        Map<Ceiling, Double> ceilings = new EnumMap<>(Ceiling.class);
        List<Item> items = new ArrayList<>();
        for (SpeedCase work : SpeedCases.all()) {
            items.add(new Item(work.key(), () -> check(work, ceilings)));
        }
        for (GptStep.Case model : GptStep.CASES) {
            items.add(new Item(model.key(), () -> GptStep.measure(device.get(), model)));
        }
        return items;
    }

    @Override
    public List<Item> rehearsals() {
        List<Item> items = new ArrayList<>();
        for (SpeedCase work : SpeedCases.all()) {
            items.add(new Item(work.key(), () -> Map.of("seconds", seconds(work, device.get(), SpeedPart::once))));
        }
        for (GptStep.Case model : GptStep.CASES) {
            items.add(new Item(model.key(), () -> GptStep.rehearse(device.get(), model)));
        }
        return items;
    }

    /** How the time of a step's run is measured. */
    @FunctionalInterface
    interface Stopwatch {
        double seconds(Device device, Step step, List<Tensor> arguments);
    }

    private static double seconds(SpeedCase work, Device on, Stopwatch stopwatch) {
        try (Scope scope = on.scope()) {
            List<Tensor> arguments = work.arguments().apply(on);
            try (Step step = Step.compileAll(on, work.function()::apply)) {
                return stopwatch.seconds(on, step, arguments);
            }
        }
    }

    private static double once(Device device, Step step, List<Tensor> arguments) {
        return run(device, step, arguments, device.tensor(new float[1]), 1);
    }

    private Map<String, Object> check(SpeedCase work, Map<Ceiling, Double> ceilings) {
        Map<String, Object> fields = new LinkedHashMap<>();
        Device on = device.get();
        double seconds = seconds(work, on, SpeedPart::seconds);
        fields.put("passed", true);
        fields.put("milliseconds", seconds * 1e3);
        fields.put("rate", work.amount() / seconds / 1e9);
        fields.put("unit", work.ceiling().unit);
        if (on.name().startsWith("cuda")) {
            double ceiling = ceilings.computeIfAbsent(work.ceiling(), it -> measure(on, it));
            fields.put("ceiling", work.ceiling().text);
            fields.put("ceilingRate", ceiling / 1e9);
            fields.put("fractionOfCeiling", work.amount() / seconds / ceiling);
        }
        return fields;
    }

    private static double measure(Device device, Ceiling ceiling) {
        int ordinal = device.name().contains(":") ? Integer.parseInt(device.name().substring(5)) : 0;
        try (CardRates rates = CardRates.open(ordinal)) {
            return switch (ceiling) {
                case COPY -> rates.copyBytesPerSecond(COPIED_BYTES);
                case GEMM_F64 -> rates.productsPerSecond(DType.F64, GEMM_SIDE);
                case GEMM_F32 -> rates.productsPerSecond(DType.F32, GEMM_SIDE);
                case GEMM_BF16 -> rates.productsPerSecond(DType.BF16, GEMM_SIDE);
            };
        }
    }

    /** Of one run: the best of some rounds of many, each with one wait at its end. */
    static double seconds(Device device, Step step, List<Tensor> arguments) {
        Tensor marker = device.tensor(new float[1]);
        for (int i = 0; i < 3; i++) {
            run(device, step, arguments, marker, 1);
        }
        double once = run(device, step, arguments, marker, 1);
        int runs = (int) Math.clamp(ROUND_SECONDS / once, 1, MOST_RUNS);
        double best = Double.POSITIVE_INFINITY;
        for (int round = 0; round < ROUNDS; round++) {
            best = Math.min(best, run(device, step, arguments, marker, runs) / runs);
        }
        return best;
    }

    /** Seconds for {@code runs} runs, until the device has done them. */
    private static double run(Device device, Step step, List<Tensor> arguments, Tensor marker, int runs) {
        long start = System.nanoTime();
        for (int i = 0; i < runs; i++) {
            try (Scope scope = device.scope()) {
                step.runAll(arguments);
            }
        }
        // Reading anything waits for all that was enqueued before.
        marker.item();
        return (System.nanoTime() - start) / 1e9;
    }
}
