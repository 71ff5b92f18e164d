package org.adjoint.bench;

import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.adjoint.bench.bundle.BundleCommand;
import org.adjoint.bench.suite.BenchCommand;
import org.adjoint.bench.train.SampleCommand;
import org.adjoint.bench.train.TrainCommand;
import org.adjoint.bench.verify.VerifyCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line. Every command ends with status 0 (worked), 1 (failed) or 2 (bad usage). What went wrong is told in
 * one line on standard error; with {@code ADJOINT_STACKTRACES=1} in the environment a failure's stack trace follows.
 *
 * <p>A subcommand throws {@link ParameterException} for bad usage and any other exception, with a message meant for the
 * user, for a failure.
 */
@Command(
        name = "adjoint",
        description = "Tensors, gradients and training on the JVM.",
        mixinStandardHelpOptions = true,
        versionProvider = Adjoint.Version.class,
        exitCodeListHeading = "%nExit status:%n",
        exitCodeList = {"0:worked", "1:failed", "2:bad usage"},
        footerHeading = "%nEnvironment:%n",
        footer = {
            "  ADJOINT_JAVA_HOME      the JDK (25 or later) to run on",
            "  ADJOINT_JAVA_OPTS      more options for the JVM",
            "  ADJOINT_STACKTRACES=1  the stack trace of a failure"
        },
        subcommands = {HelpCommand.class, DevicesCommand.class, TrainCommand.class, SampleCommand.class,
            GradcheckCommand.class, BenchCommand.class, VerifyCommand.class, BundleCommand.class})
public final class Adjoint implements Runnable {

    @Spec
    private CommandSpec spec;

    /** Runs one command and exits with its status. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    /** The command line with its subcommands and the handling of errors; a test gives it other streams and runs it. */
    static CommandLine commandLine() {
        return new CommandLine(new Adjoint())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(Adjoint::badUsage)
                .setExecutionExceptionHandler(Adjoint::failed);
    }

    /** Without a subcommand there is nothing to do. */
    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(),
                "a command is missing, one of " + String.join(", ", names(spec)));
    }

    private static int badUsage(ParameterException exception, String[] arguments) {
        CommandLine command = exception.getCommandLine();
        PrintWriter err = command.getErr();
        String message = exception instanceof UnmatchedArgumentException unmatched
                ? describe(command.getCommandSpec(), unmatched.getUnmatched())
                : exception.getMessage();
        err.println("error: " + message + " (see " + command.getCommandSpec().qualifiedName() + " --help)");
        traceIfAsked(exception, err);
        return CommandLine.ExitCode.USAGE;
    }

    private static int failed(Exception exception, CommandLine command, ParseResult result) {
        command.getErr().println("error: " + Failure.describe(exception));
        traceIfAsked(exception, command.getErr());
        return CommandLine.ExitCode.SOFTWARE;
    }

    private static void traceIfAsked(Exception exception, PrintWriter err) {
        if ("1".equals(System.getenv("ADJOINT_STACKTRACES"))) {
            exception.printStackTrace(err);
        }
        err.flush();
    }

    private static String describe(CommandSpec spec, List<String> unmatched) {
        String argument = unmatched.getFirst();
        boolean option = argument.startsWith("-");
        String name = option ? argument.split("=", 2)[0] : argument;
        List<String> known = option ? optionNames(spec) : names(spec);
        String kind = option ? "option" : known.isEmpty() ? "argument" : "command";
        Optional<String> nearest = Nearest.of(name, known);
        return "unknown " + kind + " '" + name + "'" + nearest.map(it -> ", did you mean '" + it + "'?").orElse("");
    }

    private static List<String> names(CommandSpec spec) {
        return spec.subcommands().keySet().stream().sorted().toList();
    }

    private static List<String> optionNames(CommandSpec spec) {
        return spec.options().stream().map(OptionSpec::names).flatMap(Arrays::stream).toList();
    }

    /** The version in the jar's manifest. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Adjoint.class.getPackage().getImplementationVersion();
            return new String[] {
                "adjoint " + (version == null ? "(not packaged)" : version),
                "Java " + Runtime.version() + ", " + System.getProperty("os.name") + " " + System.getProperty("os.arch")
            };
        }
    }
}
