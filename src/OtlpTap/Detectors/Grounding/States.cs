namespace OtlpTap.Detectors.Grounding;

/// <summary>
/// Words for states of which a thing has one at a time: weather, shipments, payments, ... A row is a group, between bars its states, between commas the words.
/// A star: only behind a form of "to be" or "still", "now", because the word means other things as well.
/// </summary>
internal static class States
{
    private static readonly string[][][] Groups = [.. new[]
    {
        "sunny,sunshine,clear skies,clear sky,cloudless,ensoleille,sonnig,scheint die sonne,soleado,*clear|rain,rainy,raining,rains,drizzle,showers,regnet,regen,regnerisch,pluie,pleut,pluvieux,lluvia,llueve,lluvioso|snow,snowy,snowing,schnee,schneit,neige,nieve,nevando|overcast,cloudy,bewolkt,nuageux,nublado",
        "pending,processing,preparing,not shipped,in bearbeitung,awaiting shipment,not yet shipped|in transit,shipped,on its way,on the way,dispatched,en route,unterwegs,versandt,versendet,out for delivery,expedie,en camino,enviado|delivered,zugestellt,geliefert,ausgeliefert,livre,livree,entregado|cancelled,canceled,storniert,annule,annulee,cancelado|returned,sent back,retourniert",
        "active,running,aktiv,actif,activo|cancelled,canceled,expired,suspended,inactive,terminated,ended,paused,abgelaufen,gekundigt,expire,caducado",
        "paid,settled,bezahlt,beglichen,paye,payee,pagado,pagada|unpaid,*open,outstanding,overdue,*due,offen,impayee,pendiente",
        "*open,in progress,*new,reopened,unresolved,in bearbeitung|*closed,resolved,solved,fixed,erledigt,geschlossen,ferme,cerrado,resuelto",
        "approved,accepted,granted,genehmigt,angenommen,approuve,aprobado|rejected,declined,denied,refused,abgelehnt,refuse,rechazado|pending,under review,in review,in prufung",
        "success,successful,successfully,succeeded,passed,passing,completed,erfolgreich,reussi,exitoso|failure,failed,failing,fail,unsuccessful,aborted,fehlgeschlagen,echoue,fallido",
        "confirmed,bestatigt,confirme,confirmado|waitlisted,fully booked,unconfirmed,failed,declined,cancelled,canceled",
        "*available,*free,vacant,in stock,verfugbar,disponible,vorratig,auf lager|unavailable,occupied,busy,booked,sold out,out of stock,fully booked,taken,ausverkauft,agotado,belegt,epuise",
        "on time,punctual,punktlich,a l'heure,a tiempo|delayed,late,verspatet,verspatung,retarde,retrasado|cancelled,canceled",
        "positive,positiv,positif,positivo|negative,negativ,negatif,negativo",
        "*up,up,rose,rises,rising,increased,increase,gained,grew,higher,climbed,gestiegen,hausse,subio|down,fell,falls,falling,drop,dropped,decreased,decrease,declined,lower,gesunken,gefallen,baisse,bajo",
        "healthy,operational,online,up and running,gesund|unhealthy,degraded,offline,outage,not responding,*down",
        "enabled,activated,turned on,switched on,eingeschaltet|disabled,deactivated,turned off,switched off,ausgeschaltet",
        "locked,verriegelt|unlocked,entriegelt",
        "valid,gultig,valide|invalid,expired,ungultig,abgelaufen",
        "light,flowing freely,no incidents|heavy,congested,jammed,standstill",
        "*open,geoffnet,ouvert,abierto|*closed,geschlossen,ferme,cerrado",
        "*safe|unsafe,dangerous,recalled",
        "won,winner|lost,loser",
        "granted,allowed,permitted,erlaubt|forbidden,prohibited,not allowed,not permitted,verboten,interdit,prohibido",
    }.Select(row => row.Split('|').Select(state => state.Split(',')).ToArray())];

    /// <summary>First word of a phrase -> where it stands.</summary>
    private static readonly Dictionary<string, List<(int Group, int State, string[] Words, bool Guarded)>> ByFirst = Index();

    private static readonly HashSet<string> Guards = ["is", "are", "was", "were", "be", "been", "remains", "still", "currently", "now", "ist", "est", "esta", "stays", "it's", "skies", "and", "with"];

    /// <summary>States that may be said of one thing at once.</summary>
    public static bool GoTogether(int group, int one, int other) => one == other || (group == 0 && Math.Max(one, other) == 3 && Math.Min(one, other) != 0);

    public static string Name(int group, int state) => Groups[group][state][0].TrimStart('*');

    /// <summary>Which states the words name at a place.</summary>
    /// <param name="asValue">They are a field's value as a whole and no prose: no guards.</param>
    public static void At(IReadOnlyList<string> words, int at, bool asValue, List<(int Group, int State, int Length)> found)
    {
        if (!ByFirst.TryGetValue(words[at], out var phrases))
        {
            return;
        }

        foreach (var (group, state, phrase, guarded) in phrases)
        {
            if (at + phrase.Length > words.Count || (guarded && !asValue && (at == 0 || !Guards.Contains(words[at - 1]))))
            {
                continue;
            }

            var same = true;
            for (var i = 1; i < phrase.Length && same; i++)
            {
                same = words[at + i] == phrase[i];
            }

            if (same)
            {
                found.Add((group, state, phrase.Length));
            }
        }
    }

    private static Dictionary<string, List<(int Group, int State, string[] Words, bool Guarded)>> Index()
    {
        var index = new Dictionary<string, List<(int, int, string[], bool)>>(StringComparer.Ordinal);
        for (var group = 0; group < Groups.Length; group++)
        {
            for (var state = 0; state < Groups[group].Length; state++)
            {
                foreach (var phrase in Groups[group][state])
                {
                    var words = phrase.TrimStart('*').Split(' ');
                    if (!index.TryGetValue(words[0], out var phrases))
                    {
                        index[words[0]] = phrases = [];
                    }

                    phrases.Add((group, state, words, phrase[0] == '*'));
                }
            }
        }

        return index;
    }
}
