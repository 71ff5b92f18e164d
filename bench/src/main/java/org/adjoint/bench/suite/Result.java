package org.adjoint.bench.suite;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One line of a report.
 *
 * @param suite the name of a {@link Suite}
 * @param work what was measured, such as {@code sgemm NN 1024}; JSON calls it {@code case}
 * @param median in {@code unit}
 * @param ratio our rate over that of {@code peer}, on our lines; else null
 * @param peer the fastest one; null where there is none
 * @param bound what {@code median} should not exceed; null where nothing is promised
 * @param ofCeiling its rate over the most that the machine allows; null where there is no such thing
 */
record Result(String suite, String work, String contender, double median, String unit, Double ratio, String peer,
    Double bound, Double ofCeiling) {

    /**
     * Lines of contenders that did the same work, ours compared with the fastest peer.
     *
     * @param nanos of a call, by contender
     * @param leastNanos that the machine allows
     */
    static List<Result> compare(String suite, String work, Map<String, Double> nanos, Rate rate, double leastNanos) {
        Optional<Map.Entry<String, Double>> fastest = nanos.entrySet().stream()
            .filter(entry -> !Contenders.isOurs(entry.getKey())).min(Comparator.comparingDouble(Map.Entry::getValue));
        List<Result> results = new ArrayList<>();
        nanos.forEach((contender, time) -> {
            boolean compared = Contenders.isOurs(contender) && fastest.isPresent();
            results.add(new Result(suite, work, contender, rate.of(time), rate.unit(),
                compared ? fastest.get().getValue() / time : null, compared ? fastest.get().getKey() : null, null,
                leastNanos / time));
        });
        return results;
    }

    /** How the time of a call is reported. */
    interface Rate {
        String unit();

        double of(double nanos);
    }

    /** Floating-point operations in a second. */
    record GigaFlops(double operations) implements Rate {
        @Override
        public String unit() {
            return "GFLOP/s";
        }

        @Override
        public double of(double nanos) {
            return operations / nanos;
        }
    }

    /** Bytes moved in a second. */
    record GigaBytes(double bytes) implements Rate {
        @Override
        public String unit() {
            return "GB/s";
        }

        @Override
        public double of(double nanos) {
            return bytes / nanos;
        }
    }

    /** Time as it is. */
    record Milliseconds() implements Rate {
        @Override
        public String unit() {
            return "ms";
        }

        @Override
        public double of(double nanos) {
            return nanos / 1e6;
        }
    }

    /** Tokens that training gets through. */
    record TokensPerSecond(int tokens) implements Rate {
        @Override
        public String unit() {
            return "tokens/s";
        }

        @Override
        public double of(double nanos) {
            return tokens * 1e9 / nanos;
        }
    }

    /** One figure of ours, without a peer. */
    static Result figure(String suite, String work, double value, String unit, Double bound) {
        return new Result(suite, work, Contenders.ADJOINT, value, unit, null, null, bound, null);
    }

    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("suite", suite);
        fields.put("case", work);
        fields.put("contender", contender);
        fields.put("median", median);
        fields.put("unit", unit);
        if (ratio != null) {
            fields.put("ratio", ratio);
            fields.put("peer", peer);
        }
        if (bound != null) {
            fields.put("bound", bound);
        }
        if (ofCeiling != null) {
            fields.put("ofCeiling", ofCeiling);
        }
        return fields;
    }
}
