using System.Buffers;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace OtlpTap.Hosting;

/// <summary>
/// The log as an operator reads and greps it: when, how bad, what, in one line. The class that wrote it and the number of the
/// message, which other formats have, say nothing to who runs a tap.
/// <code>2026-11-23 09:28:28Z warn  Exporter otlp_grpc/tempo: ...</code>
/// </summary>
internal sealed class LogLines(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "otlptap";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        textWriter.Write(time.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ssZ ", System.Globalization.CultureInfo.InvariantCulture));
        textWriter.Write(Level(logEntry.LogLevel));
        textWriter.Write(OneLine(logEntry.Formatter(logEntry.State, logEntry.Exception)));
        if (logEntry.Exception is { } exception)
        {
            textWriter.Write(' ');
            textWriter.Write(OneLine(exception.ToString()));
        }

        textWriter.Write('\n');
    }

    private static string Level(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug ",
        LogLevel.Information => "info  ",
        LogLevel.Warning => "warn  ",
        _ => "error ",
    };

    // Names and reasons are the senders', and a terminal does what its control characters say.
    private static string OneLine(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.AsSpan().ContainsAny(Controls) ? string.Create(line.Length, line, static (shown, line) => line.AsSpan().ReplaceAny(shown, Controls, '?')) : line;
    }

    private static readonly SearchValues<char> Controls = SearchValues.Create([.. Enumerable.Range(0, 0xa0).Select(code => (char)code).Where(char.IsControl)]);

    /// <summary>Those of the console that writes these lines; they never change.</summary>
    public sealed class Options : IOptionsMonitor<ConsoleLoggerOptions>
    {
        public ConsoleLoggerOptions CurrentValue { get; } = new() { FormatterName = LogLines.FormatterName };

        public ConsoleLoggerOptions Get(string? name) => CurrentValue;

        public IDisposable? OnChange(Action<ConsoleLoggerOptions, string?> listener) => null;
    }
}
