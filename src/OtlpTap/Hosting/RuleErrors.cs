using OtlpTap.Rules;
using OtlpTap.Rules.Expressions;

namespace OtlpTap.Hosting;

/// <summary>
/// Says which rules' conditions come to errors, as <c>error_mode</c> asks for it: a line for each rule and minute at most.
/// Asked now and then, so that the line itself only counts. Used by one thread at a time.
/// </summary>
internal sealed class RuleErrors(CompiledRules rules, ErrorMode mode, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly long[] _told = new long[rules.Count];
    private long _toldAt;

    public void Tell()
    {
        if (mode == ErrorMode.Silent || (_toldAt != 0 && time.GetElapsedTime(_toldAt) < Interval))
        {
            return;
        }

        for (var index = 0; index < _told.Length; index++)
        {
            var errors = rules.ErrorsOf(index);
            if (errors == _told[index])
            {
                continue;
            }

            log.RuleErrors(mode == ErrorMode.Propagate ? LogLevel.Error : LogLevel.Warning, rules[index].Name, errors - _told[index]);
            _told[index] = errors;
            _toldAt = time.GetTimestamp();
        }
    }
}
