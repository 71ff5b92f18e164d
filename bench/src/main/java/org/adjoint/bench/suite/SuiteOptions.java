package org.adjoint.bench.suite;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.adjoint.bench.AtomicFile;
import org.adjoint.bench.JsonOption;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What both benchmarks take. */
final class SuiteOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(names = "--peers", paramLabel = "NAME", split = ",", converter = Peer.Converter.class,
            description = "Libraries to measure beside ours: ${COMPLETION-CANDIDATES}. Maven gets them the first time.")
    private List<Peer> peers = List.of();

    @Option(names = "--threads", paramLabel = "N",
            description = "Threads of every contender (as many as there are processors).")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--quick", description = "Fewer cases and one round instead of three.")
    private boolean quick;

    @Mixin
    private JsonOption json;

    @Option(names = "--chart", paramLabel = "FILE", description = "Draw the results as bars into a PNG file.")
    private Path chart;

    boolean quick() {
        return quick;
    }

    int threads() {
        return threads;
    }

    /** The peers that were asked for. @throws ParameterException for one that can't do this work */
    Set<Peer> peers(Predicate<Peer> capable) {
        for (Peer peer : peers) {
            if (!capable.test(peer)) {
                throw new ParameterException(command.commandLine(),
                        "--peers: " + peer + " can't do this, but " + names(capable) + " can");
            }
        }
        return peers.isEmpty() ? EnumSet.noneOf(Peer.class) : EnumSet.copyOf(peers);
    }

    private static String names(Predicate<Peer> capable) {
        return String.join(",", Arrays.stream(Peer.values()).filter(capable).map(Peer::toString).toList());
    }

    /** Checks what can go wrong before minutes of measuring, and builds the peers. */
    Harness start(Set<Peer> chosen) throws IOException, InterruptedException {
        if (threads < 1) {
            throw new ParameterException(command.commandLine(), "--threads must be at least 1 but is " + threads);
        }
        json.requireWritable();
        if (chart != null) {
            AtomicFile.requireWritable(chart);
        }
        String name = command.name() + "-" + LocalDateTime.now().format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss"))
                + ".log";
        Path log = SourceTree.logs().resolve(name);
        PrintWriter err = command.commandLine().getErr();
        Path folder = Path.of("");
        for (Peer peer : chosen) {
            folder = PeerBuild.require(peer, log, err);
        }
        return new Harness(quick ? Effort.QUICK : Effort.FULL, threads, folder, log, err);
    }

    /**
     * Prints and writes the results.
     *
     * @param unit of the bars in the chart
     * @param capable peers that could have been measured
     * @return the exit status: 1 if something could not be measured
     */
    int report(List<Result> results, String unit, Predicate<Peer> capable, Harness harness) throws IOException {
        Report report = new Report(MachineInfo.of(threads), results);
        PrintWriter out = command.commandLine().getOut();
        report.print(out);
        out.println();
        harness.failures().forEach(out::println);
        if (peers.isEmpty()) {
            out.println("no peer was measured; --peers " + names(capable) + " gets them and measures them too");
        }
        out.println("what JMH printed is in " + harness.log());
        out.flush();
        json.write(report.fields());
        if (chart != null) {
            BarChart.write(chart, command.qualifiedName() + ": " + report.machine(), unit, results);
        }
        return harness.failures().isEmpty() ? 0 : 1;
    }
}
