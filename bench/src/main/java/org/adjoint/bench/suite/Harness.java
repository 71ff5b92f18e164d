package org.adjoint.bench.suite;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs JMH. The contenders of a case take turns, round by round, so that a machine that slows down or speeds up does so
 * for all of them. What JMH itself prints goes into a log.
 */
final class Harness implements AutoCloseable {
    private static final Pattern THROWN = Pattern.compile("(?:Caused by: )?[\\w.$]+(?:Exception|Error): (.+)");

    private final Effort effort;
    private final int threads;
    private final String device;
    private final Path peers;
    private final Path log;
    private final PrintStream jmh;
    private final PrintWriter err;
    private final List<String> failures = new ArrayList<>();

    /**
     * @param device where ours computes
     * @param peers folder of the built peers
     * @param err told how it goes
     */
    Harness(Effort effort, int threads, String device, Path peers, Path log, PrintWriter err) throws IOException {
        this.effort = effort;
        this.threads = threads;
        this.device = device;
        this.peers = peers;
        this.log = log;
        this.jmh = new PrintStream(Files.newOutputStream(log, StandardOpenOption.CREATE, StandardOpenOption.APPEND),
            true, StandardCharsets.UTF_8);
        this.err = err;
    }

    /** What could not be measured, in words. */
    List<String> failures() {
        return failures;
    }

    Path log() {
        return log;
    }

    /**
     * Measures some contenders on one piece of work.
     *
     * @param work the benchmark's parameter {@code work}
     * @param contenders values of its parameter {@code contender}
     * @param seconds of an iteration; at least one call is made in each
     * @return the median nanoseconds of a call, by contender; those that failed are missing
     */
    Map<String, Double> measure(Class<?> benchmark, String work, List<String> contenders, double seconds)
        throws IOException {
        Map<String, TreeMap<Double, Long>> samples = new LinkedHashMap<>();
        List<String> left = new ArrayList<>(contenders);
        for (int round = 1; round <= effort.rounds(); round++) {
            for (String contender : List.copyOf(left)) {
                TreeMap<Double, Long> calls = samples.computeIfAbsent(contender, name -> new TreeMap<>());
                long start = Files.size(log);
                try {
                    add(calls, run(benchmark, work, contender, seconds));
                    tell(round, work, contender, calls);
                } catch (RunnerException e) {
                    failures.add(contender + " failed at " + work + ": " + reason(e, start));
                    left.remove(contender);
                    samples.remove(contender);
                }
            }
        }
        Map<String, Double> medians = new LinkedHashMap<>();
        samples.forEach((contender, calls) -> medians.put(contender, median(calls)));
        return medians;
    }

    private Collection<RunResult> run(Class<?> benchmark, String work, String contender, double seconds)
        throws RunnerException {
        TimeValue time = TimeValue.milliseconds(Math.round(seconds * 1_000));
        Options options = new OptionsBuilder()
            .include("^" + Pattern.quote(benchmark.getName()) + "\\.")
            .param("work", work).param("contender", contender).param("threads", Integer.toString(threads))
            .param("device", device)
            .forks(1).warmupIterations(effort.warmups()).warmupTime(time)
            .measurementIterations(effort.iterations()).measurementTime(time)
            .timeUnit(TimeUnit.NANOSECONDS).shouldFailOnError(true)
            .jvmArgsAppend("-D" + Peer.FOLDER + "=" + peers).build();
        return new Runner(options, OutputFormatFactory.createFormatInstance(jmh, VerboseMode.NORMAL)).run();
    }

    private static void add(Map<Double, Long> calls, Collection<RunResult> results) {
        for (RunResult result : results) {
            Iterator<Map.Entry<Double, Long>> entries = result.getPrimaryResult().getStatistics().getRawData();
            entries.forEachRemaining(entry -> calls.merge(entry.getKey(), entry.getValue(), Long::sum));
        }
    }

    /** The least value that half of the calls do not exceed. */
    static double median(TreeMap<Double, Long> calls) {
        long all = calls.values().stream().mapToLong(Long::longValue).sum();
        long seen = 0;
        for (Map.Entry<Double, Long> entry : calls.entrySet()) {
            seen += entry.getValue();
            if (2 * seen >= all) {
                return entry.getKey();
            }
        }
        throw new IllegalArgumentException("there are no calls");
    }

    private void tell(int round, String work, String contender, TreeMap<Double, Long> calls) {
        err.printf(Locale.ROOT, "%s: %s, round %d of %d, median so far %s%n", work, contender, round, effort.rounds(),
            time(median(calls)));
        err.flush();
    }

    /** Nanoseconds as people read them. */
    static String time(double nanos) {
        return nanos < 1e6 ? String.format(Locale.ROOT, "%.1f us", nanos / 1e3)
            : nanos < 1e9 ? String.format(Locale.ROOT, "%.2f ms", nanos / 1e6)
            : String.format(Locale.ROOT, "%.2f s", nanos / 1e9);
    }

    /** What a measuring JVM threw, which JMH only prints: the innermost cause in the log since {@code start}. */
    private String reason(RunnerException failure, long start) throws IOException {
        byte[] printed = Files.readAllBytes(log);
        return new String(printed, (int) start, printed.length - (int) start, StandardCharsets.UTF_8).lines()
            .map(THROWN::matcher).filter(Matcher::matches).map(line -> line.group(1))
            .reduce((earlier, later) -> later).orElse(failure.getMessage());
    }

    @Override
    public void close() {
        jmh.close();
    }
}
