package org.adjoint.bench.verify;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.bench.AtomicFile;
import org.adjoint.bench.DeviceOption;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code adjoint verify}: proves on this machine that a device computes what it should, and measures how fast. */
@Command(
        name = "verify",
        description = {
            "Verifies a device: every operation against the reference, gradients against differences, training against "
                + "the CPU, several threads at once, and the speed of every kernel against what the card can do.",
            "Results are written as they come; started again, it goes on where it stopped."},
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  adjoint verify",
            "  adjoint verify --part kernels --part training --budget 9m",
            "  adjoint verify --device cpu --part kernels --json verify.json"
        })
public final class VerifyCommand implements Callable<Integer> {
    private static final Pattern DURATION = Pattern.compile("(\\d{1,6})([smh])");

    /** From best to worst. */
    private enum Outcome { PASSED, UNFINISHED, FAILED, LOST }

    private final Function<Device, List<Part>> all;

    @Spec
    private CommandSpec spec;

    @Mixin
    private DeviceOption deviceOption;

    @Option(names = "--part", paramLabel = "NAME",
            description = "One of kernels, gradients, training, threads, speed, sanitizer; all in turn by default.")
    private List<String> parts = List.of();

    @Option(names = "--budget", paramLabel = "TIME",
            description = "Stop after this time, such as 90s, 9m or 2h, and leave the rest for the next run.")
    private String budget;

    @Option(names = "--json", paramLabel = "FILE", defaultValue = "verify.json",
            description = "Where results are kept; ${DEFAULT-VALUE} by default.")
    private Path file;

    @Option(names = "--restart", description = "Forget what was verified before.")
    private boolean restart;

    /** Verifies everything. */
    public VerifyCommand() {
        this(device -> {
            List<Part> parts = new ArrayList<>(Parts.onDevice(() -> device));
            parts.add(new SanitizerPart(device.name()));
            return parts;
        });
    }

    /** @param all what there is to verify on a device */
    VerifyCommand(Function<Device, List<Part>> all) {
        this.all = all;
    }

    @Override
    public Integer call() throws IOException {
        deviceOption.check();
        long deadline = budget == null ? Long.MAX_VALUE : System.nanoTime() + duration().toNanos();
        AtomicFile.requireWritable(file);
        try (Device device = deviceOption.open()) {
            List<Part> chosen = choose(device);
            VerifyRecord record = VerifyRecord.open(file, MachineFields.of(device), restart,
                spec.commandLine().getErr()::println);
            PrintWriter out = spec.commandLine().getOut();
            out.println(device);
            Outcome outcome = Outcome.PASSED;
            for (Part part : chosen) {
                Outcome its = verify(device, part, record, deadline, out);
                outcome = its.compareTo(outcome) > 0 ? its : outcome;
                if (outcome == Outcome.LOST) {
                    break;
                }
            }
            out.printf("%s; recorded in %s%n", switch (outcome) {
                case PASSED -> "All passed";
                case UNFINISHED -> "Passed so far, run it again to go on";
                case FAILED -> "Not all passed";
                case LOST -> "The device was lost, run it again to go on with what follows";
            }, file);
            out.flush();
            return outcome == Outcome.PASSED ? 0 : 1;
        }
    }

    private Duration duration() {
        Matcher matcher = DURATION.matcher(budget);
        if (!matcher.matches()) {
            throw new ParameterException(spec.commandLine(),
                "--budget must be a time such as 90s, 9m or 2h but is '" + budget + "'");
        }
        long amount = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            default -> Duration.ofHours(amount);
        };
    }

    private List<Part> choose(Device device) {
        List<Part> known = all.apply(device);
        List<Part> chosen = new ArrayList<>();
        for (String name : parts) {
            chosen.add(known.stream().filter(part -> part.name().equals(name)).findFirst().orElseThrow(() ->
                new ParameterException(spec.commandLine(), "unknown part '" + name + "': one of "
                    + String.join(", ", known.stream().map(Part::name).toList()))));
        }
        if (!chosen.isEmpty()) {
            return chosen;
        }
        // The sanitizer watches kernels of a card.
        return device.name().startsWith("cuda") ? known
            : known.stream().filter(part -> !(part instanceof SanitizerPart)).toList();
    }

    private Outcome verify(Device device, Part part, VerifyRecord record, long deadline, PrintWriter out)
        throws IOException {
        List<Item> items = part.items();
        long start = System.nanoTime();
        boolean lost = run(device, part, items.stream().filter(item -> record.get(part, item.key()) == null).toList(),
            record, deadline, out);
        List<Map<String, Object>> done = items.stream().map(item -> record.get(part, item.key()))
            .filter(Objects::nonNull).toList();
        boolean passed = done.stream().allMatch(VerifyCommand::isPassed);
        boolean complete = done.size() == items.size();
        record.conclude(part, complete, passed && complete);
        out.printf(Locale.ROOT, "%-9s  %d of %d %s in %.0f s: %s%n", part.name(), done.size(), items.size(),
            items.size() == 1 ? "item" : "items", (System.nanoTime() - start) / 1e9,
            !passed ? "FAILED" : complete ? "passed" : "stopped by the budget");
        out.flush();
        return lost ? Outcome.LOST : !passed ? Outcome.FAILED : complete ? Outcome.PASSED : Outcome.UNFINISHED;
    }

    private record Done(String key, Map<String, Object> fields) { }

    /** Runs items until time is up, and records them; returns whether the device was lost on the way. */
    private static boolean run(Device device, Part part, List<Item> items, VerifyRecord record, long deadline,
        PrintWriter out) throws IOException {
        int most = part.concurrency();
        try (ExecutorService threads = most == 1 ? null : Executors.newFixedThreadPool(most)) {
            // One by one they run in this thread.
            CompletionService<Done> runs = new ExecutorCompletionService<>(threads == null ? Runnable::run : threads);
            Iterator<Item> next = items.iterator();
            boolean lost = false;
            int running = 0;
            while (true) {
                while (running < most && next.hasNext() && !lost && System.nanoTime() < deadline) {
                    Item item = next.next();
                    runs.submit(() -> new Done(item.key(), run(item)));
                    running++;
                }
                if (running == 0) {
                    return lost;
                }
                Done done = runs.take().get();
                running--;
                lost |= !isPassed(done.fields) && isLost(device);
                record.put(part, done.key, done.fields);
                String line = Lines.of(done.key, done.fields);
                if (line != null) {
                    out.println("  " + line);
                    out.flush();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    private static boolean isPassed(Map<String, Object> fields) {
        return Boolean.TRUE.equals(fields.get("passed"));
    }

    /** A kernel that fails may take the device with it: whatever is tried afterwards would fail for that alone. */
    private static boolean isLost(Device device) {
        try (Tensor one = device.tensor(new float[] {1})) {
            return one.item() != 1;
        } catch (RuntimeException e) {
            return true;
        }
    }

    private static Map<String, Object> run(Item item) {
        try {
            return item.check().run();
        } catch (Exception | AssertionError e) {
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("passed", false);
            fields.put("threw", e.toString());
            return fields;
        }
    }
}
