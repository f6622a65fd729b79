using System.Diagnostics;
using OpenTelemetry;

namespace OtlpTap.Tests.EndToEnd.Agents;

/// <summary>Gives spans the times of a clock that a test moves.</summary>
internal sealed class AgentClock(TimeProvider time) : BaseProcessor<Activity>
{
    public override void OnStart(Activity data) => data.SetStartTime(time.GetUtcNow().UtcDateTime);

    public override void OnEnd(Activity data) => data.SetEndTime(time.GetUtcNow().UtcDateTime);
}
