from microdot import Microdot
from microdot.cors import CORS

app = Microdot()
app.cors = CORS(app, allowed_origins=["https://panel.example"])
rings = []


@app.post("/ring")
async def ring(request):
    rings.append(request.json["who"])
    return {"rings": len(rings)}, 201
