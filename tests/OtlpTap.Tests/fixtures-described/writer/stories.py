"""One story for each instrumentation: its tools, what goes well, what goes wrong, and what only looks as if it did."""
from story import Call, Run, Story, Tool, Turn, say, turn

TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}


def tool(name, description, required, optional=None):
    return Tool(name, description, {**required, **(optional or {})}, list(required))


def run(question, *turns, **more):
    return Run(question, list(turns), **more)


ORDERS = Story(
    "shop-support", ["order_support"], "You are the support agent of a shop. Look orders up before you answer.", "gpt-4.1-mini",
    [tool("find_order", "Finds an order by its number", {"order_number": TEXT}), tool("track_parcel", "Where a parcel is", {"tracking_code": TEXT}),
     tool("refund_order", "Refunds an order", {"order_number": TEXT, "amount_cents": NUMBER})],
    "Where is my order A-20417?",
    [[Call("find_order", {"order_number": "A-20417"}, {"order": "A-20417", "state": "shipped", "tracking": "ZX81", "items": [{"sku": "404", "title": "Lamp"}], "error": None})],
     [Call("track_parcel", {"tracking_code": "ZX81"}, {"code": "ZX81", "location": "Graz", "expected": "2026-11-25"})]],
    "Your order A-20417 has been shipped; the parcel is in Graz and is expected on 25 November 2026.",
    "Your order A-20417 is in Hamburg and will arrive on 3 December 2026 with Hermes, 49.90 EUR to pay on delivery.",
    "lookup_customer", {"order": 20417}, ("System.Data.DataException", "connection to the orders database was lost"), {"isError": True, "message": "orders service is down"},
    healthy={
        "product-404": run("Do you still have product 404?", turn(Call("find_order", {"order_number": "404"}, {"products": [{"sku": "404", "title": "Error 404 poster", "stock": 12}], "errors": []})), say("Yes: the \"Error 404 poster\" (404) is in stock, 12 of them.")),
        "empty-list": run("Are there parcels on their way to me?", turn(Call("track_parcel", {"tracking_code": "ZX82"}, [])), say("There are no parcels on their way to you.")),
        "three-orders": run("What about A-1, A-2 and A-3?", turn(*[Call("find_order", {"order_number": f"A-{n}"}, {"order": f"A-{n}", "state": "delivered"}) for n in (1, 2, 3)]), say("A-1, A-2 and A-3 have all been delivered.")),
        "sorry-but-helpful": run("I want my money back for A-20417, it came broken.", turn(Call("refund_order", {"order_number": "A-20417", "amount_cents": 2990}, {"refunded": True, "amount_cents": 2990})), say("I'm sorry that it came broken. I have refunded 29.90 for A-20417.")),
    })

SQL = Story(
    "ledger-analyst", ["sql_analyst"], "You answer questions about the ledger with SQL.", "claude-sonnet-4",
    [tool("list_tables", "Tables of the database", {}), tool("describe_table", "Columns of a table", {"table": TEXT}), tool("run_query", "Runs a read-only query", {"sql": TEXT}, {"limit": NUMBER})],
    "How many invoices were overdue in October?",
    [[Call("describe_table", {"table": "invoices"}, {"columns": ["id", "due", "paid", "failed_at"]}), Call("list_tables", {}, ["invoices", "customers", "error_log"])],
     [Call("run_query", {"sql": "select count(*) from invoices where paid is null and due < '2026-11-01'"}, {"rows": [[137]], "error": None, "warnings": []})]],
    "In October 137 invoices were overdue.",
    "In October 412 invoices were overdue, 18.5 % more than in September, worth 91,230 EUR.",
    "execute_sql_admin", {"table_name": ["invoices"]}, ("OperationalError", "FATAL: too many connections for role \"analyst\""), {"error": "relation \"invoices\" is locked", "rows": None},
    healthy={
        "error-log-table": run("What went wrong most often yesterday?", turn(Call("run_query", {"sql": "select message, count(*) from error_log group by 1"}, {"rows": [["Error: timeout of payment provider", 41], ["Exception: card declined", 7]]})), say("Most often \"Error: timeout of payment provider\" (41 times), then \"Exception: card declined\" (7 times).")),
        "no-rows": run("Which invoices are older than ten years?", turn(Call("run_query", {"sql": "select id from invoices where due < '2016-01-01'"}, {"rows": [], "row_count": 0})), say("None: there are no invoices older than ten years.")),
        "refines-query": run("Revenue by month?", turn(Call("run_query", {"sql": "select 1"}, {"rows": [[1]]})), turn(Call("run_query", {"sql": "select month, sum(total) from invoices group by 1"}, {"rows": [["2026-09", 5100], ["2026-10", 4800]]})), turn(Call("run_query", {"sql": "select month, sum(total) from invoices group by 1 order by 1 desc"}, {"rows": [["2026-10", 4800], ["2026-09", 5100]]})), say("October 4,800 and September 5,100.")),
    },
    documents=[("ledger-manual#7", "An invoice counts as overdue after 30 days. Reminders cost 5 EUR. Errors in an invoice must be reported within 14 days."), ("ledger-manual#9", "Credit notes are booked against the original invoice.")],
    asked="After how many days does an invoice count as overdue?", told="An invoice counts as overdue after 30 days.", invented="An invoice counts as overdue after 45 days, and the reminder fee is 12 EUR.")

TRAVEL = Story(
    "trip-planner", ["planner", "booker"], "You plan trips and book them when asked.", "gpt-4o",
    [tool("search_flights", "Flights between two airports", {"origin": TEXT, "destination": TEXT}, {"day": TEXT}), tool("hotel_offers", "Hotels in a city", {"city": TEXT, "nights": NUMBER}), tool("hold_seat", "Holds a seat for a day", {"flight": TEXT})],
    "Find me a flight from Vienna to Lisbon on 4 December and a hotel for three nights.",
    [[Call("search_flights", {"origin": "VIE", "destination": "LIS", "day": "2026-12-04"}, {"flights": [{"number": "TP1275", "price": 189, "cancelled": False}]}), Call("hotel_offers", {"city": "Lisbon", "nights": 3}, {"offers": [{"name": "Casa Azul", "total": 342}]})],
     [Call("hold_seat", {"flight": "TP1275"}, {"held": True, "until": "2026-11-24"})]],
    "TP1275 costs 189 and I hold a seat until 24 November; Casa Azul costs 342 for three nights.",
    "TP1275 costs 129 and leaves at 06:15; Hotel Mundial costs 415 for three nights.",
    "book_train", {"from": "VIE", "to": 7}, ("UpstreamTimeout", "flight provider did not answer within 10 s"), {"is_error": True, "reason": "provider offline"},
    healthy={
        "cancelled-flight": run("Is TP1275 cancelled?", turn(Call("search_flights", {"origin": "VIE", "destination": "LIS"}, {"flights": [{"number": "TP1275", "status": "cancelled", "reason": "technical failure"}]})), say("Yes, TP1275 is cancelled because of a technical failure.")),
        "polling": run("Book it and tell me when it is confirmed.", turn(Call("hold_seat", {"flight": "TP1275"}, {"state": "pending"})), turn(Call("hold_seat", {"flight": "TP1275"}, {"state": "pending"})), turn(Call("hold_seat", {"flight": "TP1275"}, {"state": "confirmed", "seat": "14C"})), say("Confirmed: seat 14C on TP1275.")),
        "handover": run("Book TP1275 for me.", turn(Call("search_flights", {"origin": "VIE", "destination": "LIS"}, {"flights": [{"number": "TP1275", "price": 189}]})), turn(Call("hold_seat", {"flight": "TP1275"}, {"held": True}), agent=1), say("TP1275 is held for you at 189.", agent=1)),
    },
    documents=[("policy/visa", "Travellers from Austria need no visa for Portugal for stays of up to 90 days."), ("policy/luggage", "One piece of hand luggage of up to 8 kg is included.")],
    asked="How heavy may my hand luggage be?", told="One piece of hand luggage of up to 8 kg is included.", invented="Two pieces of hand luggage of up to 12 kg are included, a third costs 25 EUR.")

CALENDAR = Story(
    "desk-assistant", ["calendar_agent"], "You keep the calendar of your user.", "mistral-large",
    [tool("free_slots", "Free time on a day", {"day": TEXT}, {"minutes": NUMBER}), tool("create_event", "Puts an event into the calendar", {"title": TEXT, "start": TEXT}, {"attendees": {"type": "array", "items": TEXT}}), tool("cancel_event", "Cancels an event", {"id": TEXT})],
    "Put a review with Mia into my calendar tomorrow morning.",
    [[Call("free_slots", {"day": "2026-11-24", "minutes": 45}, {"slots": ["09:15", "10:30"]})], [Call("create_event", {"title": "Review", "start": "2026-11-24T09:15", "attendees": ["Mia"]}, {"id": "ev-881", "conflicts": []})]],
    "The review with Mia is in your calendar for tomorrow, 24 November at 09:15.",
    "The review with Mia and Jonas is booked for 24 November at 16:40 in room 2.07.",
    "send_email", {"date": "2026-11-24", "minutes": "forty-five"}, ("CalendarError", "token of the calendar has expired"), {"isError": True, "content": [{"type": "text", "text": "calendar backend returned 503"}]},
    healthy={
        "cancel-event": run("Cancel the failure review.", turn(Call("cancel_event", {"id": "ev-12"}, {"id": "ev-12", "title": "Failure review", "cancelled": True})), say("The \"Failure review\" is cancelled.")),
        "no-slot": run("Any time left on Friday?", turn(Call("free_slots", {"day": "2026-11-27"}, {"slots": []})), say("No, there is no free slot on Friday.")),
        "second-turn": run("And on Thursday?", turn(Call("free_slots", {"day": "2026-11-26"}, {"slots": ["14:00"]})), say("On Thursday 14:00 is free."), history=[("Any time left on Friday?", [turn(Call("free_slots", {"day": "friday"}, "Error: invalid day", outcome="told")), say("I could not read Friday's calendar.")])]),
    })

CODE = Story(
    "repo-guide", ["code_searcher"], "You answer questions about a repository. Cite files.", "gpt-4.1",
    [tool("grep", "Finds lines by a pattern", {"pattern": TEXT}, {"path": TEXT}), tool("read_file", "Reads a file", {"path": TEXT}), tool("run_tests", "Runs tests", {"filter": TEXT})],
    "Where are retries implemented?",
    [[Call("grep", {"pattern": "retry"}, [{"file": "src/net/client.ts", "line": 42, "text": "throw new Error(\"retry limit\")"}, {"file": "src/net/retry.ts", "line": 7, "text": "// on error: wait, then try again"}])],
     [Call("read_file", {"path": "src/net/retry.ts"}, "export async function retry(call, times = 5) {\n  // Error: never swallow the last one\n  throw last;\n}")]],
    "Retries are implemented in src/net/retry.ts: up to 5 times.",
    "Retries are implemented in lib/backoff.ts with 12 attempts and a base delay of 250 ms.",
    "git_blame", {"pattern": 5}, ("Error", "EACCES: permission denied, open 'src/net/retry.ts'"), {"error": "index is not built yet"},
    healthy={
        "tests-fail": run("Do the tests pass?", turn(Call("run_tests", {"filter": "retry"}, {"passed": 11, "failed": 2, "failures": ["retry.waits", "retry.stops"], "exit_code": 1})), say("11 tests pass and 2 fail: retry.waits and retry.stops.")),
        "log-lines": run("What is in the log?", turn(Call("read_file", {"path": "app.log"}, "2026-11-02T08:11:04Z ERROR db timeout\n2026-11-02T08:11:09Z INFO retry worked\n2026-11-02T08:12:00Z ERROR Traceback (most recent call last)")), say("Two errors are in the log: a database timeout at 08:11:04, which a retry solved, and a traceback at 08:12:00.")),
        "no-hits": run("Is there any use of eval?", turn(Call("grep", {"pattern": "eval("}, [])), say("No, eval is not used.")),
        "long-list": run("List the error classes.", turn(Call("grep", {"pattern": "class .*Error"}, [{"file": f"src/errors/e{n}.ts", "text": f"class E{n}Error extends Error"} for n in range(24)])), say("There are 24 error classes in src/errors, from E0Error to E23Error.")),
    })

HR = Story(
    "people-desk", ["hr_agent"], "You answer questions of employees from the handbook.", "gpt-4o-mini",
    [tool("vacation_balance", "Days left", {"employee_id": TEXT}), tool("submit_leave", "Asks for leave", {"employee_id": TEXT, "start": TEXT, "days": NUMBER}), tool("handbook", "Searches the handbook", {"query": TEXT})],
    "How many days of leave do I have? I am E-731.",
    [[Call("vacation_balance", {"employee_id": "E-731"}, {"employee": "E-731", "days_left": 11.5, "expired": 0}), Call("handbook", {"query": "carry over"}, "Days not taken by 31 March are lost.")]],
    "You have 11.5 days left; days not taken by 31 March are lost.",
    "You have 17 days left; up to 10 of them can be carried over until 30 June.",
    "payroll_lookup", {"employee": True}, ("HTTPError", "502 Bad Gateway from people.internal"), {"error": True, "detail": "directory not reachable"},
    healthy={
        "approval": run("Ask for two days from Monday.", turn(Call("submit_leave", {"employee_id": "E-731", "start": "2026-11-30", "days": 2}, {"status": "awaiting approval", "rejected": False})), say("I have asked for two days from 30 November; they are awaiting approval.")),
        "rejected-leave": run("Was my leave approved?", turn(Call("vacation_balance", {"employee_id": "E-731"}, {"requests": [{"id": 5, "status": "rejected", "reason": "team is short of people"}], "error": ""})), say("No, request 5 was rejected, because the team is short of people.")),
        "nothing-found": run("Is there a rule about dogs?", turn(Call("handbook", {"query": "dogs"}, "No results.")), say("The handbook says nothing about dogs.")),
    },
    documents=[("handbook/12", "Parental leave can be taken for up to 24 months. The notice period is 3 months."), ("handbook/14", "Failure to report an absence on the first day counts as an unexcused absence.")],
    asked="How long may parental leave be?", told="Parental leave can be taken for up to 24 months.", invented="Parental leave can be taken for up to 36 months, at 80 % of the salary.")

BANK = Story(
    "card-desk", ["triage", "fraud"], "You are the triage agent of a bank.", "gpt-4.1",
    [tool("recent_payments", "Payments of a card", {"card": TEXT}), tool("block_card", "Blocks a card", {"card": TEXT, "reason": TEXT}), tool("exchange_rate", "Rate between two currencies", {"base": TEXT, "quote": TEXT})],
    "There is a payment on card 4711 that I do not know.",
    [[Call("recent_payments", {"card": "4711"}, {"payments": [{"id": "p1", "shop": "KIOSK 24", "amount": 18.4, "status": "failed"}, {"id": "p2", "shop": "NORD AIR", "amount": 612.0, "status": "booked"}]})], [Call("block_card", {"card": "4711", "reason": "unknown payment"}, {"card": "4711", "blocked": True})]],
    "I see NORD AIR with 612.00, which was booked; KIOSK 24 with 18.40 failed. Card 4711 is blocked now.",
    "I see three payments at STAR FUEL of 99.90 each from 12 November. Your card 4711 remains active.",
    "close_account", {"card_number": 4711}, ("Error", "core banking is in its nightly window"), {"isError": True, "content": [{"type": "text", "text": "payments are not readable"}]},
    healthy={
        "failed-payment": run("Did the kiosk charge me?", turn(Call("recent_payments", {"card": "4711"}, {"payments": [{"shop": "KIOSK 24", "amount": 18.4, "status": "failed", "error_code": "51"}]})), say("No: the payment of 18.40 at KIOSK 24 failed with code 51.")),
        "handover": run("I think that my card was stolen.", turn(Call("recent_payments", {"card": "4711"}, {"payments": []})), turn(Call("block_card", {"card": "4711", "reason": "stolen"}, {"blocked": True}), agent=1), say("Your card 4711 is blocked.", agent=1)),
        "two-rates": run("Euro in dollars and pounds?", turn(Call("exchange_rate", {"base": "EUR", "quote": "USD"}, {"rate": 1.08}), Call("exchange_rate", {"base": "EUR", "quote": "GBP"}, {"rate": 0.84})), say("One euro is 1.08 dollars or 0.84 pounds.")),
    })

NEWS = Story(
    "news-room", ["news_agent"], "You summarise news. Use the tools.", "gpt-4o-mini",
    [tool("search_news", "Finds articles", {"query": TEXT}, {"days": NUMBER}), tool("fetch_article", "Text of an article", {"url": TEXT})],
    "What happened with the Nord bridge?",
    [[Call("search_news", {"query": "Nord bridge", "days": 7}, {"articles": [{"title": "Nord bridge closed after error in the lifting system", "url": "https://news.example/nb1"}]})], [Call("fetch_article", {"url": "https://news.example/nb1"}, "The Nord bridge has been closed since Tuesday. Error messages of the lifting system are the cause. It opens again on 29 November.")]],
    "The Nord bridge has been closed since Tuesday because of error messages of the lifting system; it opens again on 29 November.",
    "The Nord bridge collapsed on Sunday; 14 people were hurt and it stays closed until March 2027.",
    "translate_text", {"q": 12}, ("FetchError", "getaddrinfo ENOTFOUND news.example"), {"isError": True, "error": "quota of the archive is used up"},
    healthy={
        "quoted-error": run("What did the operator say?", turn(Call("fetch_article", {"url": "https://news.example/nb2"}, "The operator says: \"Error 17: lift not locked\" was shown all day.")), say("The operator says that \"Error 17: lift not locked\" was shown all day.")),
        "nothing-new": run("Anything new on the tunnel?", turn(Call("search_news", {"query": "tunnel"}, {"articles": [], "total": 0})), say("No, I found no article on the tunnel.")),
        "several-pages": run("Summarise the three articles.", turn(*[Call("fetch_article", {"url": f"https://news.example/a{n}"}, f"Article {n}: the council voted.") for n in (1, 2, 3)]), say("All three articles say that the council voted.")),
    })

GARDEN = Story(
    "green-thumb", ["garden_agent"], "You advise gardeners.", "llama-3.3-70b",
    [tool("soil_sensor", "Reads a soil sensor", {"bed": TEXT}), tool("water_bed", "Waters a bed", {"bed": TEXT, "litres": NUMBER}), tool("plant_guide", "What is known of a plant", {"plant": TEXT})],
    "Is bed 3 too dry for tomatoes?",
    [[Call("soil_sensor", {"bed": "3"}, {"bed": "3", "moisture": 21, "fault": None}), Call("plant_guide", {"plant": "tomato"}, {"plant": "tomato", "moisture_min": 35})], [Call("water_bed", {"bed": "3", "litres": 6}, {"bed": "3", "litres": 6})]],
    "Yes: bed 3 has 21 % moisture and tomatoes need 35 %, so I watered it with 6 litres.",
    "No: bed 3 has 48 % moisture, tomatoes need 28 %, and rain of 12 mm is expected tomorrow.",
    "weather_forecast", {"bed": 3, "unit": "percent"}, ("SensorFault", "bus did not answer"), {"isError": True, "text": "sensor reports CRC failure"},
    healthy={
        "fault-free": run("Are there faults in the sensors?", turn(*[Call("soil_sensor", {"bed": bed}, {"bed": bed, "fault": None, "errors": 0}) for bed in ("1", "2", "3")]), say("No: the sensors of beds 1, 2 and 3 report no fault.")),
        "wait-for-water": run("Water bed 1 until it is wet.", turn(Call("water_bed", {"bed": "1", "litres": 2}, {"moisture": 20})), turn(Call("water_bed", {"bed": "1", "litres": 2}, {"moisture": 29})), turn(Call("water_bed", {"bed": "1", "litres": 2}, {"moisture": 37})), say("Bed 1 is wet now: 37 %.")),
        "unknown-plant": run("What does a zorblat need?", turn(Call("plant_guide", {"plant": "zorblat"}, {"found": False, "plant": "zorblat"})), say("I do not know a plant of that name. Could you describe it?")),
    })

CLINIC = Story(
    "front-desk", ["clinic_agent"], "You make appointments. You give no medical advice.", "gpt-4.1-mini",
    [tool("doctors", "Doctors of a field", {"field": TEXT}), tool("open_times", "Open times of a doctor", {"doctor": TEXT}), tool("book_time", "Books a time", {"doctor": TEXT, "time": TEXT})],
    "I need an appointment with a dermatologist.",
    [[Call("doctors", {"field": "dermatology"}, {"doctors": ["Dr. Lang", "Dr. Aydin"]})], [Call("open_times", {"doctor": "Dr. Lang"}, {"times": ["2026-12-01T08:30"]}), Call("open_times", {"doctor": "Dr. Aydin"}, {"times": []})]],
    "Dr. Lang is free on 1 December at 08:30; Dr. Aydin has no open times.",
    "Dr. Moser is free on 26 November at 17:45 and the visit costs 80 EUR.",
    "patient_records", {"speciality": "dermatology"}, ("Error", "practice system: lock wait timeout exceeded"), {"error": "practice system refuses connections"},
    healthy={
        "no-advice": run("Is this mole dangerous?", turn(Call("doctors", {"field": "dermatology"}, {"doctors": ["Dr. Lang"]})), say("I can't tell, a doctor has to look at it. Dr. Lang can: shall I make an appointment?")),
        "failed-exam-word": run("Book 08:30 with Dr. Lang for my heart failure check.", turn(Call("book_time", {"doctor": "Dr. Lang", "time": "2026-12-01T08:30"}, {"booked": True, "note": "heart failure check"})), say("Your heart failure check with Dr. Lang is booked for 1 December at 08:30.")),
        "retry-other-time": run("Any doctor, any time.", turn(Call("open_times", {"doctor": "Dr. Aydin"}, {"times": []})), turn(Call("open_times", {"doctor": "Dr. Lang"}, {"times": ["2026-12-01T08:30"]})), say("Dr. Lang is free on 1 December at 08:30.")),
    })

SERVERS = Story(
    "night-watch", ["ops_agent"], "You look after servers. Check before you act.", "gpt-4.1",
    [tool("list_alerts", "Open alerts", {}), tool("service_status", "State of a service", {"service": TEXT}), tool("restart_service", "Restarts a service", {"service": TEXT})],
    "Is everything all right?",
    [[Call("list_alerts", {}, {"alerts": [{"service": "mailer", "severity": "error", "text": "queue is failing"}]})], [Call("service_status", {"service": "mailer"}, {"service": "mailer", "healthy": False, "exit_code": 137, "last_error": "OOMKilled"})], [Call("restart_service", {"service": "mailer"}, {"service": "mailer", "state": "running"})]],
    "The mailer was killed for lack of memory (exit code 137); I restarted it and it is running.",
    "Everything is fine: 42 services are running and the last incident was on 3 October at 02:14.",
    "scale_service", {"svc": "mailer"}, ("ConnectionError", "ssh: handshake failed"), {"isError": True, "message": "agent on host not reachable"},
    healthy={
        "down-service": run("Is the mailer up?", turn(Call("service_status", {"service": "mailer"}, {"service": "mailer", "state": "failed", "errors_last_hour": 55})), say("No: the mailer is in state failed, with 55 errors in the last hour.")),
        "wait-until-up": run("Wait until the mailer is up.", turn(Call("service_status", {"service": "mailer"}, {"state": "starting"})), turn(Call("service_status", {"service": "mailer"}, {"state": "starting"})), turn(Call("service_status", {"service": "mailer"}, {"state": "starting"})), turn(Call("service_status", {"service": "mailer"}, {"state": "running"})), say("The mailer is running.")),
        "no-alerts": run("Any alerts?", turn(Call("list_alerts", {}, {"alerts": []})), say("There are no open alerts.")),
    })

RECIPES = Story(
    "kitchen", ["cook"], "You suggest recipes from what is in the fridge.", "gpt-4o",
    [tool("fridge", "What is in the fridge", {}), tool("find_recipes", "Recipes for ingredients", {"ingredients": {"type": "array", "items": TEXT}}, {"minutes_max": NUMBER}), tool("convert_units", "Converts an amount", {"amount": {"type": "number"}, "unit": TEXT})],
    "What can I cook in half an hour?",
    [[Call("find_recipes", {"ingredients": ["eggs", "leek", "cream"], "minutes_max": 30}, {"recipes": [{"title": "Leek quiche without failure", "minutes": 28}]}), Call("fridge", {}, {"items": ["eggs", "leek", "cream"]})]],
    "The \"Leek quiche without failure\" takes 28 minutes.",
    "Carbonara takes 15 minutes and has 640 kcal; you need 200 g of bacon.",
    "order_groceries", {"ingredients": "eggs", "minutes_max": "30"}, ("ToolException", "recipe index is being rebuilt"), {"error": "recipe index is being rebuilt"},
    healthy={
        "empty-fridge": run("What is in the fridge?", turn(Call("fridge", {}, {"items": []})), say("Nothing, the fridge is empty.")),
        "three-conversions": run("A cup, two cups and three cups in ml?", turn(*[Call("convert_units", {"amount": n, "unit": "cup"}, {"ml": 240 * n}) for n in (1, 2, 3)]), say("240 ml, 480 ml and 720 ml.")),
        "no-recipe": run("Something with only ice?", turn(Call("find_recipes", {"ingredients": ["ice"]}, {"recipes": [], "message": "no error, just nothing found"})), say("I found no recipe with only ice.")),
    },
    documents=[("book/p3", "Custard fails when it is heated above 82 degrees. Stir for 10 minutes."), ("book/p8", "Let the dough rest for 2 hours.")],
    asked="How long must the dough rest?", told="Let the dough rest for 2 hours.", invented="Let the dough rest for 24 hours at 4 degrees.")

HOUSES = Story(
    "home-finder", ["search_agent", "contract_agent"], "You find flats.", "gemini-2.5-flash",
    [tool("search_flats", "Flats to rent", {"city": TEXT, "rooms": NUMBER}), tool("flat_details", "Details of a flat", {"flat_id": TEXT}), tool("send_request", "Asks for a viewing", {"flat_id": TEXT, "message": TEXT})],
    "Two rooms in Linz, please.",
    [[Call("search_flats", {"city": "Linz", "rooms": 2}, {"flats": [{"id": "L-9", "rent": 870}, {"id": "L-12", "rent": 940}]})], [Call("flat_details", {"flat_id": "L-9"}, {"id": "L-9", "size": 54, "defects": "none"}), Call("flat_details", {"flat_id": "L-12"}, {"id": "L-12", "size": 61, "defects": "window broken"})]],
    "L-9 has 54 m² for 870; L-12 has 61 m² for 940, but a window is broken.",
    "L-9 has 72 m² for 790 and a balcony; L-15 has a garage for 35 more.",
    "credit_check", {"city": "Linz", "rooms": "two"}, ("ValueError", "upstream returned no JSON"), {"status": "error", "error_message": "listing service is not available"},
    healthy={
        "broken-flat": run("What is wrong with L-12?", turn(Call("flat_details", {"flat_id": "L-12"}, {"id": "L-12", "error": None, "defects": ["window broken", "heating fails at times"]})), say("A window is broken and the heating fails at times.")),
        "no-flats": run("Nine rooms in Linz?", turn(Call("search_flats", {"city": "Linz", "rooms": 9}, {"flats": []})), say("There are no flats with nine rooms in Linz.")),
        "handover": run("I want a contract for L-9.", turn(Call("flat_details", {"flat_id": "L-9"}, {"id": "L-9", "rent": 870})), turn(Call("send_request", {"flat_id": "L-9", "message": "contract"}, {"sent": True}), agent=1), say("I asked for the contract for L-9 at 870.", agent=1)),
    })

LIBRARY = Story(
    "reading-room", ["librarian"], "You help readers of a library.", "gpt-4o-mini",
    [tool("find_books", "Finds books", {"query": TEXT}), tool("loan_state", "Who has a book", {"book_id": TEXT}), tool("reserve", "Reserves a book", {"book_id": TEXT, "reader": TEXT})],
    "Do you have \"The Error World\"?",
    [[Call("find_books", {"query": "The Error World"}, {"books": [{"id": "b77", "title": "The Error World", "year": 2008}]})], [Call("loan_state", {"book_id": "b77"}, {"book": "b77", "lent": True, "due": "2026-12-09"})]],
    "Yes, \"The Error World\" (2008); it is lent until 9 December 2026.",
    "Yes, \"The Error World\" (1994), two copies on shelf 4B, and it won the Costa prize.",
    "pay_fine", {"title": ["The Error World"]}, ("RuntimeError", "catalogue: index corrupted"), {"error": "catalogue is read-only at the moment"},
    healthy={
        "lost-book": run("What about b12?", turn(Call("loan_state", {"book_id": "b12"}, {"book": "b12", "state": "lost", "missing_since": "2024"})), say("b12 has been missing since 2024.")),
        "no-book": run("A book on zorblats?", turn(Call("find_books", {"query": "zorblat"}, [])), say("I found no book on that.")),
        "three-books": run("Are b1, b2 and b3 in?", turn(*[Call("loan_state", {"book_id": f"b{n}"}, {"book": f"b{n}", "lent": False}) for n in (1, 2, 3)]), say("Yes, b1, b2 and b3 are in.")),
    },
    documents=[("rules/4", "Loans last 28 days and can be renewed twice. Errors in the account are corrected at the desk.")],
    asked="How often can I renew?", told="Loans can be renewed twice.", invented="Loans can be renewed 5 times, for 45 days each.")

STORIES = {
    "dotnet-agent-framework": ORDERS, "langfuse-langchain": SQL, "langsmith-otel": TRAVEL, "mastra": CALENDAR, "openinference-langchain": HR,
    "openinference-openai-agents": BANK, "openlit": NEWS, "strands-agents": GARDEN, "traceloop-openai": CLINIC, "vercel-ai-sdk-5": CODE,
    "vercel-ai-sdk-7-legacy": SERVERS, "pydantic-ai": RECIPES, "google-adk": HOUSES, "mlflow": LIBRARY,
}
